import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(4, 1)
opt = torch.optim.LBFGS(net.parameters(), max_iter=4)
x = torch.randn(16, 4)


def closure():
    opt.zero_grad()
    loss = net(x).pow(2).mean()
    loss.backward()
    return loss


for _ in range(4):
    opt.step(closure)
