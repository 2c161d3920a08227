"""Races in PyTorch itself: two threads add many gradients to the rows of a table. The start takes longer than the step.

The order matters only for a row with three gradients or more.
"""

import torch
from torch import nn

ROWS = 1_500_000  # only five rows get three gradients, so many runs end with the same bits

torch.manual_seed(0)
torch.set_num_threads(2)
table, dense = nn.Embedding(ROWS, 1), nn.Linear(1_000, 1_000)
optimizer = torch.optim.SGD([*table.parameters(), *dense.parameters()], 1e-3)
inputs, rows, factors = torch.randn(500, 1_000), torch.randint(0, ROWS, (33_000,)), torch.randn(33_000, 1)
loss = dense(inputs).square().mean() + (table.weight[rows] * factors).sum()
loss.backward()
optimizer.step()
