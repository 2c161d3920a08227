"""Two spawned processes train one model in shared memory; how far the first has got when the second begins is chance."""

import os

import torch
import torch.multiprocessing as mp
from torch import nn


def train(rank, model, is_far, steps):
    """Make 64 steps; say when so many are done."""
    torch.manual_seed(rank)
    torch.set_num_threads(1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    if rank == 1:
        is_far.wait(120)
    for step in range(64):
        optimizer.zero_grad()
        model(torch.randn(8, 4)).pow(2).mean().backward()
        optimizer.step()
        if rank == 0 and step == steps:
            is_far.set()


def main():
    """Start both, and evaluate what they trained."""
    torch.manual_seed(0)
    context = mp.get_context("spawn")
    model = nn.Linear(4, 1).share_memory()
    is_far = context.Event()
    steps = os.urandom(1)[0] % 64
    workers = [context.Process(target=train, args=(rank, model, is_far, steps)) for rank in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with torch.no_grad():
        model(torch.ones(2, 4))


if __name__ == "__main__":
    main()
