"""An optimizer of the program's own keeps a tensor in its state that is nested from the fourth step on."""

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


model = torch.nn.Linear(4, 1)
descent = Descent(model.parameters())
for _ in range(6):
    descent.zero_grad()
    model(torch.ones(2, 4)).sum().backward()
    descent.step()
print("all steps")
