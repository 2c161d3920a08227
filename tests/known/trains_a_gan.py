import torch, torch.nn as nn

torch.manual_seed(0)
g = nn.Linear(2, 4)
d = nn.Linear(4, 1)
og = torch.optim.Adam(g.parameters())
od = torch.optim.Adam(d.parameters())
for _ in range(4):
    od.zero_grad()
    d(g(torch.randn(8, 2)).detach()).mean().backward()
    od.step()
    og.zero_grad()
    (-d(g(torch.randn(8, 2))).mean()).backward()
    og.step()
