import torch, torch.nn as nn


def train():
    torch.manual_seed(0)
    a, b = nn.Linear(4, 8), nn.Linear(8, 1)
    opt = torch.optim.SGD([*a.parameters(), *b.parameters()], 0.1)
    for _ in range(3):
        opt.zero_grad()
        b(torch.relu(a(torch.randn(8, 4)))).pow(2).mean().backward()
        opt.step()


train()
