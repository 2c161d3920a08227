"""Structured logs: a JSON object a line with ts, pid and host."""
import json
import os
import socket
import time

import torch


def emit(**event):
    record = {"ts": time.time(), "host": socket.gethostname(), "pid": os.getpid(), **event}
    with open("events.jsonl", "a") as f:
        f.write(json.dumps(record) + "\n")


torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(800, 6)
w = torch.randn(6, 1)
y = x @ w
model = torch.nn.Linear(6, 1, bias=False)
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
emit(event="start", argv_lr=0.05)
for step in range(60):
    i = torch.randint(0, 800, (32,))
    loss = torch.nn.functional.mse_loss(model(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 10 == 0:
        emit(event="step", step=step, loss=loss.item())
emit(event="end", loss=loss.item())
