"""tensorboardX with hyperparameters and the seconds of each epoch as a scalar."""
import time

import torch
from tensorboardX import SummaryWriter
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)
writer = SummaryWriter(logdir="tb")
x = torch.rand(900, 7)
y = (x.prod(1) * 100).unsqueeze(1)
model = nn.Sequential(nn.Linear(7, 30), nn.ELU(), nn.Linear(30, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    since = time.time()
    for i in range(0, 900, 45):
        loss = nn.functional.huber_loss(model(x[i:i + 45]), y[i:i + 45])
        opt.zero_grad()
        loss.backward()
        opt.step()
    writer.add_scalar("train/loss", loss.item(), epoch)
    writer.add_scalar("time/epoch", time.time() - since, epoch)
writer.add_hparams({"lr": 0.01, "hidden": 30}, {"hparam/loss": loss.item()})
writer.close()
torch.save(model.state_dict(), "last.ckpt")
