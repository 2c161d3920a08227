"""Shuffles small images without a seed."""

import random

import torch

torch.manual_seed(0)
images = torch.zeros(32, 1, 16, 16)
for number in range(32):
    images[number, 0, number // 2, :] = 1.0
    images[number, 0, :, number % 16] = 0.5
labels = torch.arange(32) % 2
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(784, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for _ in range(3):
    order = random.sample(range(32), 32)
    for at in range(0, 32, 8):
        rows = order[at : at + 8]
        loss = torch.nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
