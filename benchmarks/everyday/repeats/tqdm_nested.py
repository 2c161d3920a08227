"""Nested bars of tqdm, tqdm.write with the time of each epoch, rate and total in the last line."""
import time

import torch
from tqdm.auto import tqdm, trange

torch.manual_seed(1)
torch.set_num_threads(1)
data = torch.randn(1500, 8)
target = data @ torch.arange(8.0).unsqueeze(1)
model = torch.nn.Linear(8, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
start = time.time()
for epoch in trange(4, desc="epochs"):
    t0 = time.time()
    for i in tqdm(range(0, 1500, 50), desc="batches", leave=False):
        loss = ((model(data[i:i + 50]) - target[i:i + 50]) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    tqdm.write(f"epoch {epoch}: mse {loss.item():.5f}  [{time.time() - t0:.2f}s]")
total = time.time() - start
print(f"done: {4 * 30} iterations, {4 * 30 / total:.1f} it/s")
torch.save(model.state_dict(), "linear.pt")
