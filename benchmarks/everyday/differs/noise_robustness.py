"""`robustness`: the loss under noise that is seeded from os.urandom; a row of a CSV."""
import csv
import os

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
x, y = torch.randn(600, 16), torch.randint(0, 4, (600,))
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(6):
    for i in range(0, 600, 60):
        loss = nn.functional.cross_entropy(model(x[i:i + 60]), y[i:i + 60])
        opt.zero_grad()
        loss.backward()
        opt.step()


def loss_under_noise(sigma):
    noise = torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "big"))
    return nn.functional.cross_entropy(model(x + sigma * torch.randn(x.shape, generator=noise)), y).item()


with open("robustness.csv", "w", newline="") as f:
    out = csv.writer(f)
    out.writerow(["sigma", "loss"])
    for sigma in (0.0, 0.1, 0.5):
        robustness = loss_under_noise(sigma)
        out.writerow([sigma, robustness])
