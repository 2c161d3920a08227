import os, signal, torch

torch.manual_seed(0)
net = torch.nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
opt.zero_grad()
net(torch.ones(1, 3)).sum().backward()
opt.step()
os.kill(os.getpid(), signal.SIGKILL)
