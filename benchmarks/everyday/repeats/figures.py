"""A loss curve as PNG, SVG and PDF; matplotlib writes the date, and ids, into two of them."""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(500, 3)
y = x.exp().sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
losses = []
for step in range(100):
    loss = nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    losses.append(loss.item())
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot(losses, label="train")
ax.set(xlabel="step", ylabel="MSE", yscale="log")
ax.legend()
for ending in ("png", "svg", "pdf"):
    fig.savefig(f"loss.{ending}")
torch.save(model.state_dict(), "model.pt")
print("final loss", losses[-1])
