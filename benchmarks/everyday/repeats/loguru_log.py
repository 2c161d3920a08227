"""loguru with its own format, a file that has the date in its name, seconds a step."""
import sys
import time

import torch
from loguru import logger
from torch import nn

logger.remove()
logger.add(sys.stdout, format="{time:YYYY-MM-DD HH:mm:ss.SSS} | {level: <8} | {name}:{function}:{line} - {message} ({elapsed})")
logger.add("logs/run_{time}.log")
torch.manual_seed(30)
torch.set_num_threads(1)
x = torch.rand(500, 4) * 2 - 1
y = (x.norm(dim=1) < 1).long()
model = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 2))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
logger.info("device cpu, {} parameters", sum(p.numel() for p in model.parameters()))
tic = time.perf_counter()
for step in range(1, 101):
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 20 == 0:
        logger.info("step {} loss {:.5f} {:.4f} sec/step", step, loss.item(), (time.perf_counter() - tic) / step)
logger.success("done")
