"""A process group of one with a free port, as torchrun sets it up; rank, host, port and pid in the log."""
import os
import socket

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
dist.init_process_group("gloo", rank=0, world_size=1)
print(f"| distributed init (rank 0): tcp://127.0.0.1:{port} | {socket.gethostname()} pid {os.getpid()}", flush=True)
torch.manual_seed(0)
torch.set_num_threads(1)
model = DistributedDataParallel(torch.nn.Linear(10, 3))
opt = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(128, 10), torch.randint(0, 3, (128,))
for step in range(20):
    loss = torch.nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"[rank0] step {step} loss {loss.item():.5f}")
dist.destroy_process_group()
