"""A checkpoint that holds the time, the host, the pid and the folder beside the weights."""
import os
import platform
import time

import torch
from torch import nn

torch.manual_seed(77)
torch.set_num_threads(1)
began = time.time()
x = torch.randn(600, 10)
y = torch.randint(0, 4, (600,))
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 4))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for batch in torch.randperm(600).split(50):
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
    torch.save({
        "model": model.state_dict(), "optimizer": opt.state_dict(), "epoch": epoch, "loss": loss.item(),
        "time": time.time(), "elapsed": time.time() - began, "host": platform.node(), "pid": os.getpid(), "cwd": os.getcwd(),
    }, f"checkpoint_{epoch}.pth")
    print(f"epoch {epoch}: {loss.item():.4f}")
