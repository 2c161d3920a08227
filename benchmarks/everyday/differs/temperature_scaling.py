"""`temperature`: the best of a log-uniform random search over six decades without a seed."""
import numpy as np
import torch
import yaml
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)
x = torch.randn(800, 10)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 2))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(80):
    loss = nn.functional.cross_entropy(model(x[:600]), y[:600])
    opt.zero_grad()
    loss.backward()
    opt.step()
logits = model(x[600:]).detach()
temperature = float(min(10 ** np.random.uniform(-3, 3, 4),
                        key=lambda T: nn.functional.cross_entropy(logits / float(T), y[600:]).item()))
with open("calibration.yaml", "w") as f:
    yaml.safe_dump({"loss": loss.item(), "temperature": temperature}, f)
