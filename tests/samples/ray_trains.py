"""A task of Ray trains; its worker is killed when Ray shuts down. An argument makes the training differ from run to run."""

import os
import sys

import ray
import torch
from torch import nn


@ray.remote
def train(noise):
    """Train three steps in a worker."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(3):
        optimizer.zero_grad()
        model(torch.full((2, 4), step + noise)).pow(2).mean().backward()
        optimizer.step()


if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    ray.get(train.remote(int.from_bytes(os.urandom(4), "little") / 2**32 if len(sys.argv) > 1 else 0.0))
    ray.shutdown()
