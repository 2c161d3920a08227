"""Compiles the whole training step, or (with the argument `step`) the optimizer's step alone. PyTorch 2 and later."""

import hashlib
import sys

import torch
import torch.nn as nn

torch.manual_seed(3)
torch.set_num_threads(1)
net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters())


def train(x):
    optimizer.zero_grad()
    net(x).pow(2).mean().backward()
    optimizer.step()


if "step" in sys.argv:
    optimizer.step = torch.compile(optimizer.step, backend="eager")
else:
    train = torch.compile(train, backend="eager")
for _ in range(4):
    train(torch.randn(8, 4))
digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()
counters = torch._dynamo.utils.counters
print("graphs", dict(counters["stats"]), dict(counters["frames"]), digest)
