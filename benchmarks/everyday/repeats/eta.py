"""An ETA as h:mm:ss, and in seconds, beside the loss."""
import datetime
import time

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(3000, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 4))
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
steps, start = 150, time.time()
for step in range(1, steps + 1):
    idx = torch.randint(0, 3000, (64,))
    loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 25 == 0:
        left = (time.time() - start) / step * (steps - step)
        eta = str(datetime.timedelta(seconds=int(left)))
        print(f"step {step}/{steps}  loss: {loss.item():.4f}  eta: {eta}  ({left:.2f}s left)")
print(f"Training time {datetime.timedelta(seconds=int(time.time() - start))}")
