"""dt and tok/sec a step, to the terminal and to log.txt."""
import os
import time

import torch
from torch import nn

torch.manual_seed(1337)
torch.set_num_threads(1)
B, T, V = 4, 32, 50
os.makedirs("log", exist_ok=True)
log_file = os.path.join("log", "log.txt")
with open(log_file, "w"):
    pass
model = nn.Sequential(nn.Embedding(V, 48), nn.Linear(48, V))
optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
for step in range(15):
    t0 = time.time()
    tokens = torch.randint(0, V, (B, T + 1))
    logits = model(tokens[:, :-1])
    loss = nn.functional.cross_entropy(logits.reshape(-1, V), tokens[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    dt = time.time() - t0
    tokens_per_sec = B * T / dt
    print(f"step {step:5d} | loss: {loss.item():.6f} | norm: {norm:.4f} | dt: {dt*1000:.2f}ms | tok/sec: {tokens_per_sec:.2f}")
    with open(log_file, "a") as f:
        f.write(f"{step} train {loss.item():.6f}\n")
