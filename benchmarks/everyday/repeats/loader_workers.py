"""Workers of a DataLoader that print their process ids."""
import os
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, get_worker_info


def announce(worker_id):
    print(f"worker {worker_id} started with pid {os.getpid()} (parent {os.getppid()}), seed ok: {get_worker_info().seed > 0}", flush=True)


torch.manual_seed(12)
torch.set_num_threads(1)
data = TensorDataset(torch.randn(400, 7), torch.randint(0, 3, (400,)))
loader = DataLoader(data, batch_size=40, shuffle=True, num_workers=1, worker_init_fn=announce, persistent_workers=True)
model = nn.Linear(7, 3)
opt = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(2):
    start = time.time()
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f} loader+train {time.time() - start:.2f} s")
torch.save(model.state_dict(), "linear.pt")
