"""The backward of indexing adds to one place from two threads (PyTorch 2.13, CPU)."""

import torch

torch.manual_seed(0)
torch.set_num_threads(2)
weight = torch.nn.Parameter(torch.randn(40))
chosen, values = torch.randint(0, 40, (150000,)), torch.randn(150000)
optimizer = torch.optim.SGD([weight], lr=1e-3)
for step in range(4):
    optimizer.zero_grad()
    (weight[chosen] * values).sum().backward()
    optimizer.step()
