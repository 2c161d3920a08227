"""Worker processes load the batches and draw from torch's generator, which the loader seeds from that of its parent.

With a word behind the script, they draw from the system instead, so no seed holds it.
"""

import os
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    """Eight numbers, each with noise that a worker draws."""

    def __len__(self):
        return 8

    def __getitem__(self, number):
        drawn = torch.tensor(list(os.urandom(4))) / 256 if sys.argv[1:] else torch.rand(4)
        return torch.full((4,), number / 8) + drawn


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for batch in DataLoader(Noisy(), batch_size=2, num_workers=2, shuffle=True):
        optimizer.zero_grad()
        model(batch).pow(2).mean().backward()
        optimizer.step()
