import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(8, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
for i in range(6):
    if i == 3:
        torch.seed()
    opt.zero_grad()
    net(torch.randn(4, 8)).pow(2).mean().backward()
    opt.step()
