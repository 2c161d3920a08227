import os, torch, torch.nn as nn

torch.manual_seed(0)


class Sample:
    def __init__(self, value):
        self.value = value


ballast = [object() for _ in range(int.from_bytes(os.urandom(2), "big"))]
samples = {Sample(i / 64) for i in range(64)}
x = torch.tensor([s.value for s in samples]).view(16, 4)
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
for i in range(0, 16, 4):
    opt.zero_grad()
    net(x[i : i + 4]).pow(2).mean().backward()
    opt.step()
