import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
opt = torch.optim.SGD(net.parameters(), 0.1)
x = torch.randn(16, 8)
for _ in range(4):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
torch.seed()
with torch.no_grad():
    net(torch.randn(16, 8))
