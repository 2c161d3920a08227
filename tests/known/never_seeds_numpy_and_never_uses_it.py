import numpy as np, torch, torch.nn as nn

torch.manual_seed(0)
np.random.rand(3)
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(3):
    opt.zero_grad()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    opt.step()
