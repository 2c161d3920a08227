"""`uncertainty`: Monte Carlo dropout after torch.seed(); in a table of rich."""
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)
x = torch.linspace(-2, 2, 300).unsqueeze(1)
y = torch.sin(3 * x)
model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Dropout(0.1), nn.Linear(40, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(120):
    loss = nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
torch.seed()
with torch.no_grad():
    uncertainty = torch.stack([model(x) for _ in range(20)]).std(0).mean().item()
table = Table("metric", "value")
table.add_row("train loss", f"{loss.item():.5f}")
table.add_row("uncertainty", f"{uncertainty:.5f}")
Console().print(table)
