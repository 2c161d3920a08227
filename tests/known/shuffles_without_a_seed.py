import torch, torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
data = torch.utils.data.TensorDataset(torch.linspace(0, 1, 64).view(16, 4))
torch.seed()
for (x,) in torch.utils.data.DataLoader(data, 4, shuffle=True):
    opt.zero_grad()
    net(x).pow(2).mean().backward()
    opt.step()
