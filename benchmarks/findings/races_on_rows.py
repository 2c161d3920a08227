"""The backward of indexing adds many rows to few places, from two threads at the same time (PyTorch, CPU)."""

import torch

torch.manual_seed(0)
torch.set_num_threads(2)
table = torch.nn.Embedding(40, 8)
head = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD([*table.parameters(), *head.parameters()], lr=1e-3)
chosen, wanted = torch.randint(0, 40, (200_000,)), torch.randn(200_000, 1)
for _ in range(4):
    loss = (head(table.weight[chosen]) - wanted).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
