"""A progress display of rich with elapsed and remaining time and a speed."""
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)
x, noise = torch.randn(4000, 16), torch.randn(4000, 1)
y = x.sum(1, keepdim=True) + 0.1 * noise
net = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
           TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.speed} steps/s")]
console = Console(width=110)
with Progress(*columns, console=console) as progress:
    task = progress.add_task("training", total=100)
    for step in range(100):
        i = step * 40
        loss = nn.functional.mse_loss(net(x[i:i + 40]), y[i:i + 40])
        opt.zero_grad()
        loss.backward()
        opt.step()
        progress.update(task, advance=1, description=f"loss {loss.item():.4f}")
console.print(f"[bold]finished[/bold] with loss {loss.item():.6f}")
