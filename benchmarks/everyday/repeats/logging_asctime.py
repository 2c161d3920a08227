"""The logging module with asctime, to the terminal and to a file."""
import logging

import torch
from torch import nn

logging.basicConfig(
    level=logging.INFO,
    format="%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    handlers=[logging.FileHandler("train.log"), logging.StreamHandler()],
)
log = logging.getLogger("train")
torch.manual_seed(5)
torch.set_num_threads(1)
x = torch.randn(640, 4)
y = torch.sin(x).sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(model.parameters())
log.info("parameters: %d", sum(p.numel() for p in model.parameters()))
for epoch in range(5):
    total = 0.0
    for i in range(0, 640, 32):
        loss = nn.functional.mse_loss(model(x[i:i + 32]), y[i:i + 32])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    log.info("epoch %d loss %.6f", epoch, total / 20)
torch.save(model.state_dict(), "model.pt")
log.info("saved model.pt")
