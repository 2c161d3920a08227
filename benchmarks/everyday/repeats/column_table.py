"""A table in plain text with a header: epoch, train_loss, valid_loss, dur."""
import time

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
rng = np.random.default_rng(0)
x = torch.tensor(rng.normal(size=(1000, 20)), dtype=torch.float32)
y = torch.tensor(rng.integers(0, 2, 1000))
net = nn.Sequential(nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
print("  epoch    train_loss    valid_acc    valid_loss     dur")
print("-------  ------------  -----------  ------------  ------")
for epoch in range(1, 8):
    t, train = time.time(), []
    for i in range(0, 800, 100):
        loss = nn.functional.cross_entropy(net(x[i:i + 100]), y[i:i + 100])
        opt.zero_grad()
        loss.backward()
        opt.step()
        train.append(loss.item())
    with torch.no_grad():
        out = net(x[800:])
        valid = nn.functional.cross_entropy(out, y[800:]).item()
        acc = (out.argmax(1) == y[800:]).float().mean().item()
    print(f"{epoch:7d}  {np.mean(train):12.4f}  {acc:11.4f}  {valid:12.4f}  {time.time() - t:.4f}")
