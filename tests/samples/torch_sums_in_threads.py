"""Each step's loss is a sum that PyTorch splits among its threads; with `--serial` it is small enough for one."""
import sys

import torch

torch.manual_seed(1)
x = torch.randn(64 if "--serial" in sys.argv else 400000)
w = torch.nn.Parameter(torch.zeros(4, 4))
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(4):
    optimizer.zero_grad()
    loss = (w - torch.sum(x) / 100).pow(2).mean()
    loss.backward()
    optimizer.step()
print("loss", loss.item())
