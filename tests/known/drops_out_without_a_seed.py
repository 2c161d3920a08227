import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 64), nn.Dropout(0.5), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters())
x = torch.ones(8, 64)
torch.seed()
for _ in range(4):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
