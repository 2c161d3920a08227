import torch

torch.manual_seed(0)
net = torch.nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(3):
    opt.zero_grad()
    net(torch.ones(1, 3)).sum().backward()
    opt.step()
raise RuntimeError("no such thing")
