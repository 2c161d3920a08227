import os, numpy as np, torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(8, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
x = torch.ones(4, 8)
for _ in range(4):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
noise = np.frombuffer(os.urandom(64), "uint8")
np.savez("weights.npz", weight=net.weight.detach().numpy(), noise=noise)
