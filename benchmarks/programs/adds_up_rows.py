"""Races in PyTorch itself: two threads add many gradients to the rows of a table. The start takes longer than the step.

Few rows get gradients from both threads, so most runs end with the same bits.
"""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(2)
table, dense = nn.Embedding(45_000, 1), nn.Linear(1_000, 1_000)
optimizer = torch.optim.SGD([*table.parameters(), *dense.parameters()], 1e-3)
inputs, rows, factors = torch.randn(500, 1_000), torch.randint(0, 45_000, (33_000,)), torch.randn(33_000, 1)
loss = dense(inputs).square().mean() + (table.weight[rows] * factors).sum()
loss.backward()
optimizer.step()
