"""LeNet-5 on random digits: times every step. A peer's own tracing can be switched on around each step."""

import argparse
import json
import time

import peers
import torch
from torch import nn


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--steps", type=int, default=200)
    parse.add_argument("--batch", type=int, default=128)
    parse.add_argument("--peer", default="none", choices=sorted(peers.PEERS))
    parse.add_argument("--times", required=True)
    args = parse.parse_args()
    torch.manual_seed(2019)
    model, loss_of = lenet5(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    images, labels = torch.randn(4096, 1, 28, 28), torch.randint(0, 10, (4096,))
    around, times = peers.PEERS[args.peer](model), []
    for _ in range(args.steps):
        rows = torch.randint(0, 4096, (args.batch,))
        x, y = images[rows], labels[rows]  # a fresh batch, as a loader gives one
        start = time.perf_counter()
        with around():
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
        times.append(time.perf_counter() - start)
    with open(args.times, "w") as file:
        json.dump(times, file)


if __name__ == "__main__":
    main()
