"""Feeds a model from two worker processes, started by fork or spawn (the argument). PyTorch 1.3 and later."""
import sys

import torch
import torch.nn as nn


class Noise(torch.utils.data.Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, index):
        return torch.randn(4) + index


def main():
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for x in torch.utils.data.DataLoader(Noise(), 4, num_workers=2, multiprocessing_context=sys.argv[1]):
        optimizer.zero_grad()
        net(x).pow(2).mean().backward()
        optimizer.step()
    print("%.9g" % net.weight.sum().item())


if __name__ == "__main__":
    main()
