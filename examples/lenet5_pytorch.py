"""LeNet-5 on MNIST digits in PyTorch (1.3 and later), seeded as PyTorch's documentation says.

By itself, or under samebits::

    python lenet5_pytorch.py --data data/mnist
    samebits check examples/lenet5_pytorch.py --data data/mnist
    samebits check examples/lenet5_pytorch.py --data data/mnist --leave-out numpy-seed
"""

import argparse
import gzip
import os
import random

import numpy as np
import torch
from torch import nn

SEEDS = ("python-seed", "numpy-seed", "torch-seed")


def set_seeds(seed, leave_out):
    """Pin the three random states and cuDNN's choice of algorithms; `leave_out` names seeds that stay unset."""
    if "python-seed" not in leave_out:
        random.seed(seed)
    if "numpy-seed" not in leave_out:
        np.random.seed(seed)
    if "torch-seed" not in leave_out:
        torch.manual_seed(seed)
        torch.cuda.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def read_idx(folder, name):
    """An idx file of MNIST, plain or gzipped, as an array of bytes: digits (n, 28, 28) or labels (n,)."""
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
        data = file.read()
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def digits(folder, which, count):
    """The first `count` digits: (n, 1, 28, 28) from 0 to 1, and their labels."""
    images = read_idx(folder, which + "-images-idx3-ubyte")[:count, None]
    labels = read_idx(folder, which + "-labels-idx1-ubyte")[:count]
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def train(net, images, labels, options):
    optimizer = torch.optim.Adam(net.parameters(), lr=options.lr)
    for epoch in range(options.epochs):
        total = 0.0
        order = torch.from_numpy(np.random.permutation(len(images)))
        for batch in order.split(options.batch):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print("epoch %d  loss %.6f" % (epoch + 1, total / len(images)))


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        parts = [net(part).argmax(1) for part in images.split(1000)]
    return (torch.cat(parts) == labels).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="data/mnist", help="folder with the four idx files")
    parser.add_argument("--digits", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--no-seed", action="store_true", help="leave all seeds out")
    parser.add_argument("--leave-out", action="append", default=[], choices=SEEDS, help="leave one seed out")
    parser.add_argument("--save", help="write the trained model to this file")
    options = parser.parse_args()
    set_seeds(options.seed, SEEDS if options.no_seed else options.leave_out)
    net = lenet5()
    train(net, *digits(options.data, "train", options.digits), options=options)
    print("accuracy %.4f" % accuracy(net, *digits(options.data, "t10k", None)))
    if options.save:
        torch.save(net.state_dict(), options.save)


if __name__ == "__main__":
    main()
