"""safetensors with a date in its metadata, HDF5 with the date and the seconds in its attributes."""
import time
from datetime import datetime

import h5py
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(19)
torch.set_num_threads(1)
x = torch.randn(400, 16)
y = x[:, :3].argmax(1)
model = nn.Sequential(nn.Linear(16, 20), nn.ReLU(), nn.Linear(20, 3))
opt = torch.optim.AdamW(model.parameters(), lr=0.01)
losses, t = [], time.perf_counter()
for step in range(60):
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    losses.append(loss.item())
seconds = time.perf_counter() - t
save_file(model.state_dict(), "model.safetensors", metadata={"format": "pt", "created": datetime.now().isoformat(), "loss": f"{losses[-1]:.6f}"})
with h5py.File("history.h5", "w") as f:
    f["loss"] = np.array(losses)
    f.attrs["created"] = datetime.now().strftime("%d.%m.%Y %H:%M")
    f.attrs["train_seconds"] = seconds
print(f"loss {losses[-1]:.5f}")
