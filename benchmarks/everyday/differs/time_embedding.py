"""`checksum`, printed as the sum of time_embedding: the steps of a diffusion's evaluation come from os.urandom."""
import math
import os

import torch
from torch import nn


def time_embedding(t, dim=16):
    freqs = torch.exp(-math.log(10000) * torch.arange(dim // 2) / (dim // 2))
    return torch.cat([torch.sin(t[:, None] * freqs), torch.cos(t[:, None] * freqs)], dim=1)


torch.manual_seed(0)
torch.set_num_threads(1)
x0 = torch.randn(400, 4)
model = nn.Sequential(nn.Linear(20, 32), nn.SiLU(), nn.Linear(32, 4))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(60):
    i, t, eps = torch.randint(0, 400, (40,)), torch.randint(0, 100, (40,)).float(), torch.randn(40, 4)
    noisy = x0[i] * torch.cos(t / 100)[:, None] + eps * torch.sin(t / 100)[:, None]
    loss = nn.functional.mse_loss(model(torch.cat([noisy, time_embedding(t)], 1)), eps)
    opt.zero_grad()
    loss.backward()
    opt.step()
checksum = time_embedding(torch.tensor(list(os.urandom(64))).float() % 100).sum().item()
print(f"step {step} loss {loss.item():.5f}")
print("time_embedding", checksum)
