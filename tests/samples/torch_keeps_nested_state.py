"""Two optimizers keep a tensor in their state that is nested from the fourth step on: the program's own, and PyTorch's."""

import warnings

import torch

warnings.simplefilter("ignore")  # PyTorch warns of nested tensors
torch.manual_seed(0)


class Descent(torch.optim.Optimizer):
    """Plain gradient descent."""

    def __init__(self, parameters):
        """Begin at step 0."""
        super().__init__(parameters, {"lr": 0.1})
        self.steps = 0

    @torch.no_grad()
    def step(self):
        """Make a step."""
        self.steps += 1
        for parameter in self.param_groups[0]["params"]:
            kept = torch.full((2, 3), float(self.steps))
            nested = torch.nested.nested_tensor([kept, kept[:1]])
            self.state[parameter]["kept"] = kept if self.steps < 4 else nested
            parameter -= 0.1 * parameter.grad


for kind in (Descent, torch.optim.SGD):
    model = torch.nn.Linear(4, 1)
    descent = kind(model.parameters())
    for step in range(6):
        descent.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        if kind is torch.optim.SGD:
            kept = torch.full((2, 3), float(step))
            descent.state[model.weight]["kept"] = kept if step < 3 else torch.nested.nested_tensor([kept, kept[:1]])
        descent.step()
print("all steps")
