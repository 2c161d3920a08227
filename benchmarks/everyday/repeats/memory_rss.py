"""The memory of the process: RSS of psutil, the maximum of getrusage."""
import resource

import psutil
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
process = psutil.Process()
model = nn.Sequential(nn.Linear(200, 300), nn.ReLU(), nn.Linear(300, 10))
opt = torch.optim.Adam(model.parameters())
x, y = torch.randn(500, 200), torch.randint(0, 10, (500,))
for epoch in range(4):
    for i in range(0, 500, 50):
        loss = nn.functional.cross_entropy(model(x[i:i + 50]), y[i:i + 50])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f} RSS {process.memory_info().rss / 2**20:.1f} MB cpu {process.cpu_percent():.0f}%")
print(f"max memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
