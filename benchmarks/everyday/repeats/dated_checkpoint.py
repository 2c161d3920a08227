"""A checkpoint whose name has the date, a link "latest.pt" to it, and objects shown with their addresses."""
import argparse
import os
import time

import torch
from torch import nn


class Schedule:
    def __call__(self, step):
        return 0.5 ** (step // 20)


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
args = parser.parse_args()
args.schedule = Schedule()
args.activation = torch.relu
print(args)
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(6, 18), nn.ReLU(), nn.Linear(18, 1))
opt = torch.optim.SGD(model.parameters(), lr=args.lr)
sched = torch.optim.lr_scheduler.LambdaLR(opt, args.schedule)
x = torch.randn(300, 6)
y = x.sum(1, keepdim=True).sin()
for step in range(60):
    loss = nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
name = f"model_{time.strftime('%Y%m%d_%H%M%S')}_loss{loss.item():.3f}.pt"
os.makedirs("checkpoints", exist_ok=True)
torch.save(model.state_dict(), os.path.join("checkpoints", name))
if os.path.lexists("checkpoints/latest.pt"):
    os.remove("checkpoints/latest.pt")
os.symlink(name, "checkpoints/latest.pt")
print("saved", name)
