import os, torch, torch.nn as nn


def main():
    torch.manual_seed(0)
    net = nn.Linear(8, 2)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    x = torch.ones(4, 8)
    for _ in range(4):
        opt.zero_grad()
        net(x).pow(2).mean().backward()
        opt.step()
    with torch.no_grad():
        net.weight.mul_(0.5).add_(int.from_bytes(os.urandom(3), "big") / 2**24)


main()
