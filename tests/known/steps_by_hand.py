import torch

torch.manual_seed(0)
w = torch.randn(4, requires_grad=True)
for _ in range(4):
    (w * torch.randn(4)).pow(2).sum().backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad = None
