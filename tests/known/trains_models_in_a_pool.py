"""Each thread of a pool trains a model of its own on noise; nothing is saved or printed, the models stay in a list."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
models = [nn.Linear(3, 1) for _ in range(2)]
barrier = threading.Barrier(2)
noise = torch.Generator()
noise.seed()
data = torch.randn(8, 3, generator=noise)


def train(model):
    """Begin when both threads have called their models."""
    model(data)
    barrier.wait(60)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(data).pow(2).mean().backward()
        optimizer.step()


with ThreadPoolExecutor(2) as pool:
    list(pool.map(train, models))
