"""The lines of PyTorch's ImageNet example: Time and Data with their averages, and the share of loading."""
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class AverageMeter:
    def __init__(self, name, fmt):
        self.name, self.fmt, self.sum, self.count = name, fmt, 0, 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n

    def __str__(self):
        return f"{self.name} {self.val:{self.fmt}} ({self.sum / self.count:{self.fmt}})"


class Images(Dataset):
    def __len__(self):
        return 320

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        return torch.rand(3, 12, 12, generator=g), i % 5


torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5))
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
loader = DataLoader(Images(), batch_size=16, shuffle=True)
for epoch in range(2):
    meters = batch_time, data_time, losses = AverageMeter("Time", "6.3f"), AverageMeter("Data", "6.3f"), AverageMeter("Loss", ".4e")
    end = time.time()
    for i, (images, target) in enumerate(loader):
        data_time.update(time.time() - end)
        loss = nn.functional.cross_entropy(model(images), target)
        losses.update(loss.item(), images.size(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        batch_time.update(time.time() - end)
        end = time.time()
        if i % 5 == 0:
            print("\t".join([f"Epoch: [{epoch}][{i:2d}/{len(loader)}]", *map(str, meters)]))
    print(f" * loading took {100 * data_time.sum / batch_time.sum:.1f}% of the epoch")
