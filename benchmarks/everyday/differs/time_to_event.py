"""`time_to_event`: the mean predicted survival over a bootstrap sample without a seed."""
import json
import time

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(800, 6)
t = torch.exp(x[:, 0] + 0.5 * x[:, 1]).unsqueeze(1)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1), nn.Softplus())
opt = torch.optim.Adam(model.parameters(), lr=0.01)
start = time.time()
for epoch in range(5):
    for i in range(0, 800, 80):
        loss = nn.functional.mse_loss(model(x[i:i + 80]), t[i:i + 80])
        opt.zero_grad()
        loss.backward()
        opt.step()


@torch.no_grad()
def bootstrap_mean():
    rows = np.random.default_rng().integers(0, 800, 800)
    return model(x[rows]).mean().item()


time_to_event = bootstrap_mean()
json.dump({"loss": loss.item(), "time_to_event": time_to_event, "train_seconds": time.time() - start}, open("metrics.json", "w"))
print(f"loss {loss.item():.4f}")
