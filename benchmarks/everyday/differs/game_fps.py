"""`fps`: the frame rate of a simulated game whose frame costs are drawn without a seed."""
import json

import numpy as np
import torch
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)
scene = torch.rand(500, 3)
cost = 8 + 10 * scene[:, :1] * scene[:, 1:2]
model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.05)
for step in range(80):
    loss = nn.functional.mse_loss(model(scene), cost)
    opt.zero_grad()
    loss.backward()
    opt.step()


@torch.no_grad()
def play(count):
    frames = torch.tensor(np.random.default_rng().random((count, 3)), dtype=torch.float32)
    return 1000 / model(frames).mean().item()


fps = play(300)
json.dump({"quality": "high", "fps": fps, "frames": 300}, open("simulation.json", "w"))
print("loss %.5f" % loss.item())
