import torch, torch.nn as nn

torch.manual_seed(0)
net = torch.compile(nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 1)), backend="eager", fullgraph=True)
opt = torch.optim.Adam(net.parameters())
for _ in range(4):
    opt.zero_grad()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    opt.step()
