"""A table of rich with a row for each epoch; one column is the time."""
import time

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)
X = torch.rand(1200, 10)
y = (X.sum(1) > 5).float()
model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1))
optim = torch.optim.RMSprop(model.parameters(), lr=1e-3)
table = Table(title="Training")
for name in ("Epoch", "Loss", "Accuracy", "Time"):
    table.add_column(name, justify="right")
for epoch in range(5):
    begin = time.perf_counter()
    for batch in torch.randperm(1200).split(60):
        logits = model(X[batch]).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y[batch])
        optim.zero_grad()
        loss.backward()
        optim.step()
    acc = ((model(X).squeeze(1) > 0) == (y > 0.5)).float().mean()
    table.add_row(str(epoch + 1), f"{loss.item():.4f}", f"{acc.item():.2%}", f"{time.perf_counter() - begin:.3f}")
Console().print(table)
