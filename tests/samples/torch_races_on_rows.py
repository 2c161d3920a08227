"""The backward of indexing adds to one place from two threads (PyTorch 2.13, CPU).

Its own update: an optimizer of PyTorch takes a second to import, in each of many trials.
"""

import torch

torch.manual_seed(0)
torch.set_num_threads(2)
weight = torch.randn(40, requires_grad=True)
chosen, values = torch.randint(0, 40, (150000,)), torch.randn(150000)
for step in range(12):  # so that any two trials differ, on a busy machine too
    (weight[chosen] * values).sum().backward()
    with torch.no_grad():
        weight -= 1e-3 * weight.grad
    weight.grad = None
