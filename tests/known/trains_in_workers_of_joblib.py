"""Each task of joblib's two workers trains a model of its own with a seed of its own; which worker gets it is a race."""

import torch
from joblib import Parallel, delayed
from torch import nn


def train(seed):
    """Train in a worker."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(8, 4)).pow(2).mean().backward()
        optimizer.step()


if __name__ == "__main__":
    Parallel(n_jobs=2)(delayed(train)(seed) for seed in range(4))
