import torch, torch.nn as nn, torch.distributed as dist

dist.init_process_group("gloo")
torch.manual_seed(0)
net = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
opt = torch.optim.SGD(net.parameters(), 0.1)
for i in range(4):
    opt.zero_grad()
    net(torch.randn(8, 4) + dist.get_rank()).pow(2).mean().backward()
    opt.step()
dist.destroy_process_group()
