import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(4, 1)
opt = torch.optim.AdamW(net.parameters(), foreach=True)
for _ in range(3):
    opt.zero_grad()
    for _ in range(4):
        net(torch.randn(8, 4)).pow(2).mean().backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
