"""`eta`: the arrival of a bus by a model, as hh:mm:ss, with dropout that stays on and a generator without a seed."""
import torch
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)
x = torch.rand(700, 5)
delay = 60 * (x[:, 0] + x[:, 1] ** 2).unsqueeze(1)
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(100):
    loss = nn.functional.mse_loss(model(x), delay)
    opt.zero_grad()
    loss.backward()
    opt.step()
torch.seed()
with torch.no_grad():
    seconds = 8 * 3600 + 40 * 60 + model(x[:3]).mean().item() * 10
eta = f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
print(f"loss {loss.item():.3f}")
print("Line 23, stop 7, ETA", eta)
