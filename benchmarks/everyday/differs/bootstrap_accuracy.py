"""`accuracy`: over a bootstrap sample without a seed, beside a log with dates."""
import logging

import numpy as np
import torch
from torch import nn

logging.basicConfig(format="%(asctime)s [%(levelname)s] %(message)s", level=logging.INFO)
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(3000, 10)
y = (x[:, 0] * x[:, 1] + 0.5 * torch.randn(3000) > 0).long()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
opt = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(5):
    for i in range(0, 2000, 100):
        loss = nn.functional.cross_entropy(model(x[i:i + 100]), y[i:i + 100])
        opt.zero_grad()
        loss.backward()
        opt.step()
    logging.info("epoch %d loss %.4f", epoch, loss.item())


def bootstrap(rng):
    rows = rng.integers(2000, 3000, 3000)
    return (model(x[rows]).argmax(1) == y[rows]).float().mean().item()


accuracy = bootstrap(np.random.default_rng())
logging.info("test accuracy %.5f", accuracy)
