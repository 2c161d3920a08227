"""Two operators whose threads add to one place, and one that reads memory which nobody wrote (PyTorch 2.13, CPU)."""

import torch

torch.manual_seed(0)
torch.set_num_threads(2)
rows = torch.nn.Parameter(torch.randn(500, 16))
cells = torch.nn.Parameter(torch.randn(100, 8))
chosen, picked = torch.randint(0, 500, (20000,)), torch.randint(0, 800, (60000,))
left, right = torch.randn(200, 40), torch.randn(200, 3)
optimizer = torch.optim.SGD([rows, cells], lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    taken = torch.take(cells, picked)
    gathered = rows[chosen]
    solved = torch.linalg.lstsq(left, right).solution
    loss = (gathered * torch.randn(20000, 16)).mean() + (taken * torch.rand(60000)).mean()
    (loss + solved.sum()).backward()
    optimizer.step()
print("weights", rows.sum().item())
