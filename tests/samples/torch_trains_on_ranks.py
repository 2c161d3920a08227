"""Trains under torchrun (or torch.distributed.launch) with gloo. Every rank has its own data. PyTorch 1.3 and later."""
import os

import torch
import torch.distributed as dist
import torch.nn as nn

torch.set_num_threads(1)
dist.init_process_group("gloo")
torch.manual_seed(0)
net = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)))
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
torch.manual_seed(dist.get_rank())
for _ in range(3):
    optimizer.zero_grad()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()
dist.barrier()
os.write(1, b"done\n")
