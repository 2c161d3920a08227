"""torch's SummaryWriter with its own folder: runs/<date>_<host>."""
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(0)
torch.set_num_threads(1)
writer = SummaryWriter()
x = torch.randn(512, 10)
y = x.mean(1, keepdim=True)
model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(40):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    writer.add_scalar("Loss/train", loss.item(), step)
writer.add_histogram("fc1", model[0].weight, 40)
writer.close()
print(f"loss {loss.item():.6f}")
