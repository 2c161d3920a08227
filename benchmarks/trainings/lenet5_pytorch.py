"""LeNet-5 on random digits: its steps are timed. A peer's own tracing can be switched on around each step."""

import argparse

import peers
import torch
import turns
from torch import nn


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--batch", type=int, default=128)
    parse.add_argument("--peer", default="none", choices=sorted(peers.PEERS))
    args = parse.parse_args()
    torch.manual_seed(2019)
    model, loss_of = lenet5(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    images, labels = torch.randn(4096, 1, 28, 28), torch.randint(0, 10, (4096,))
    around = peers.PEERS[args.peer](model)

    def train(x, y):
        with around():
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()

    def step():
        rows = torch.randint(0, 4096, (args.batch,))
        return turns.timed(train, images[rows], labels[rows])  # a fresh batch, as a loader gives one

    turns.take(step)


if __name__ == "__main__":
    main()
