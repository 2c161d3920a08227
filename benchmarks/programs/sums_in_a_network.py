"""Races by the order in which threads end, inside a PyTorch network whose start takes longer than its steps."""

import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import torch
from torch import nn

torch.set_num_threads(1)  # only the threads of the pool race


def part(number):
    """A value that takes a moment; the second one takes a little longer."""
    total = 0.0
    for index in range(400 + 60 * number):
        total += 1.0 / (index + 3 + number)
    return total * 10.0**number


class Sums(nn.Module):
    """Adds up what two threads computed, as it comes."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.pool = ThreadPoolExecutor(2)

    def forward(self, inputs):
        """Return the inputs, scaled by the weight and by the racing sum."""
        total = 0.1
        for done in as_completed([self.pool.submit(part, number) for number in range(2)]):
            total = total * 1.1 + done.result()
        return inputs * self.weight * total


model = Sums()
optimizer = torch.optim.SGD(model.parameters(), 1e-6)
for _ in range(60):
    time.sleep(0.006)
    loss = model(torch.ones(1, dtype=torch.float64)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
