"""A U-Net of four levels on random fields: its steps are timed (over 200 ms each on two cores)."""

import argparse

import peers
import torch
import turns
from torch import nn
from torch.nn import functional


def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    def __init__(self, features=32, levels=4):
        super().__init__()
        widths = [features * 2**i for i in range(levels + 1)]
        self.down = nn.ModuleList(block(a, b) for a, b in zip([1, *widths[:-2]], widths[:-1]))
        self.bottom = block(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(widths[:-1], widths[1:]))
        self.merge = nn.ModuleList(block(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, merge, skip in zip(reversed(self.up), reversed(self.merge), reversed(skips)):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--batch", type=int, default=2)
    parse.add_argument("--size", type=int, default=128)
    parse.add_argument("--peer", default="none", choices=sorted(peers.PEERS))
    args = parse.parse_args()
    torch.manual_seed(2019)
    model = UNet()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    around = peers.PEERS[args.peer](model)

    def train(x, y):
        with around():
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    def step():
        x = torch.rand(args.batch, 1, args.size, args.size)
        return turns.timed(train, x, torch.randint(0, 2, (args.batch, args.size, args.size)))

    turns.take(step)


if __name__ == "__main__":
    main()
