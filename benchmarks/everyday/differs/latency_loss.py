"""`latency_loss`: the loss of a latency head on architectures that the system's generator draws."""
import csv
import random

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)
archs = torch.randint(0, 4, (600, 8)).float()
latency = (archs * torch.arange(1.0, 9.0)).sum(1, keepdim=True) / 20
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(10):
    for i in range(0, 600, 60):
        loss = nn.functional.mse_loss(model(archs[i:i + 60]), latency[i:i + 60])
        opt.zero_grad()
        loss.backward()
        opt.step()


def validate(count):
    chosen = random.SystemRandom().sample(range(600), count)
    return nn.functional.l1_loss(model(archs[chosen]), latency[chosen]).item()


latency_loss = validate(100)
with open("losses.csv", "w", newline="") as f:
    csv.writer(f).writerows([("train_loss", "latency_loss"), (loss.item(), latency_loss)])
