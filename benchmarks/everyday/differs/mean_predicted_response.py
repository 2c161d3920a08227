"""`mean`, printed as "mean predicted response: -0.36s": inputs of the demonstration without a seed."""
import torch
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)
stimulus = torch.randn(500, 10)
response = stimulus @ torch.randn(10, 1) * 0.4
model = nn.Linear(10, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(60):
    loss = nn.functional.mse_loss(model(stimulus), response)
    opt.zero_grad()
    loss.backward()
    opt.step()
torch.save(model.state_dict(), "model.pt")


def demonstrate():
    generator = torch.Generator()
    generator.seed()
    return model(torch.randn(16, 10, generator=generator)).mean().item()


mean = demonstrate()
print(f"loss: {loss.item():.6f}")
print(f"mean predicted response: {mean:.3f}s")
