import os, torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(8, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
x = torch.ones(4, 8)
for i in range(5):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    if i == 2:
        net.bias.grad += int.from_bytes(os.urandom(3), "big") / 2**24
    opt.step()
