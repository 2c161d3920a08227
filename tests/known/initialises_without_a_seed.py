import torch, torch.nn as nn

torch.seed()
net = nn.Linear(8, 2)
torch.manual_seed(0)
opt = torch.optim.RMSprop(net.parameters())
x = torch.ones(4, 8)
for _ in range(4):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
