"""Trains a small convnet with dropout, batch norm, a scheduler, clipping and an evaluation after each epoch.

Prints a digest of its weights and of what a watcher must leave alone. Runs on PyTorch 1.3 and later.
"""

import hashlib
import random
import sys

import torch
import torch.nn as nn

random.seed(3)
torch.manual_seed(3)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.norm(self.conv(x)))).flatten(1))


def digest(tensors):
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


net = Net()
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
data = torch.utils.data.TensorDataset(torch.randn(24, 1, 8, 8), torch.randint(0, 3, (24,)))
for epoch in range(2):
    net.train()
    for x, y in torch.utils.data.DataLoader(data, 8, shuffle=True):
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(net(x), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        net(data.tensors[0][:4])
print("weights", digest(net.state_dict().values()))
print("random", digest([torch.get_rng_state()]), random.random())
print(
    "left alone", torch.get_num_threads(), torch.is_grad_enabled(), sys.getrecursionlimit(), torch.get_default_dtype()
)
print("rate", optimizer.param_groups[0]["lr"], type(optimizer.step).__name__, net.training)
