"""A history as a DataFrame: printed as a table and written with to_csv."""
from time import perf_counter

import pandas as pd
import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)
x = torch.randn(1000, 5)
y = x.abs().sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(5, 50), nn.ReLU(), nn.Linear(50, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.005)
history = []
for epoch in range(6):
    tic = perf_counter()
    for idx in torch.randperm(1000).split(100):
        loss = nn.functional.l1_loss(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    history.append({"epoch": epoch, "mae": loss.item(), "lr": 0.005, "wall": perf_counter() - tic})
df = pd.DataFrame(history)
print(df)
print(df.wall.describe())
df.to_csv("history.csv", index=False)
