"""Trains one model in two threads by turns: 30 steps each, the same in every run."""

import threading

import torch

torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
turns = threading.Barrier(2)


def train(mine):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(60):
        turns.wait()
        if step % 2 == mine:
            optimizer.zero_grad()
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()


other = threading.Thread(target=train, args=(1,))
other.start()
train(0)
other.join()
