import os, torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
if os.path.exists("checkpoint.pt"):
    net.load_state_dict(torch.load("checkpoint.pt"))
for _ in range(3):
    opt.zero_grad()
    net(torch.randn(8, 4)).pow(2).mean().backward()
    opt.step()
torch.save(net.state_dict(), "checkpoint.pt")
