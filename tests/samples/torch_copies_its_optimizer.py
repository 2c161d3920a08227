"""Trains with a deep copy of a model and of its optimizer, and prints its weights. Runs on PyTorch 1.3 and later."""

import copy
import hashlib

import torch
import torch.nn as nn

torch.manual_seed(3)
torch.set_num_threads(1)
net = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.2), nn.Linear(6, 1))
net, optimizer = copy.deepcopy((net, torch.optim.Adam(net.parameters(), 1e-2)))
for _ in range(3):
    optimizer.zero_grad()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()
print("weights", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest())
