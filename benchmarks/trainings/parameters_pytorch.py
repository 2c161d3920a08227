"""A model of 100,000 parameters of a few values each: what a watched step costs for each of them."""

import argparse

import peers
import torch
import turns
from torch import nn


class Sum(nn.Module):
    """The sum of all parameters: as little work for each as there can be."""

    def __init__(self, count):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(4)) for _ in range(count)])

    def forward(self, x):
        return torch.stack(list(self.weights)).mul(x).sum()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--batch", type=int, default=100_000, help="the number of parameters")
    parse.add_argument("--optimizer", default="SGD")
    parse.add_argument("--peer", default="none", choices=sorted(peers.PEERS))
    args = parse.parse_args()
    torch.manual_seed(2019)
    model, x = Sum(args.batch), torch.ones(4)
    optimizer = getattr(torch.optim, args.optimizer)(model.parameters(), 1e-3)
    around = peers.PEERS[args.peer](model)

    def train():
        with around():
            optimizer.zero_grad()
            model(x).backward()
            optimizer.step()

    turns.take(lambda: turns.timed(train))


if __name__ == "__main__":
    main()
