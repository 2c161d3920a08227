"""Trains a step itself, then in two forked children, which know the parent's model. PyTorch 1.3 and later."""
import multiprocessing

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(0)
net = nn.Linear(4, 1)
optimizer = torch.optim.Adam(net.parameters(), 0.1)


def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(8, 4)).pow(2).mean().backward()
        optimizer.step()


train(1)
context = multiprocessing.get_context("fork")
for steps in (2, 3):
    child = context.Process(target=train, args=(steps,))
    child.start()
    child.join()
    assert child.exitcode == 0
