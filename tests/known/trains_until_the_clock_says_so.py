import os, torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(8, 2)
opt = torch.optim.SGD(net.parameters(), 0.0)
x = torch.ones(4, 8)
for _ in range(3 + int.from_bytes(os.urandom(2), "big") % 199):  # a stand-in for a deadline
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
