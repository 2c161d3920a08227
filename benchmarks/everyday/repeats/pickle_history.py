"""A pickled history with a list of epoch seconds, and the start as a datetime."""
import datetime as dt
import pickle
import timeit

import torch
from torch import nn

torch.manual_seed(14)
torch.set_num_threads(1)
x = torch.randn(800, 3)
y = (x[:, 0] ** 2 + x[:, 1]).unsqueeze(1)
model = nn.Sequential(nn.Linear(3, 30), nn.SiLU(), nn.Linear(30, 1))
opt = torch.optim.NAdam(model.parameters(), lr=0.01)
history = {"started": dt.datetime.now(), "loss": [], "epoch_seconds": []}
for epoch in range(5):
    t0 = timeit.default_timer()
    for i in range(0, 800, 80):
        loss = nn.functional.mse_loss(model(x[i:i + 80]), y[i:i + 80])
        opt.zero_grad()
        loss.backward()
        opt.step()
    history["loss"].append(loss.item())
    history["epoch_seconds"].append(timeit.default_timer() - t0)
with open("history.pkl", "wb") as f:
    pickle.dump(history, f)
print("losses:", [round(v, 4) for v in history["loss"]])
