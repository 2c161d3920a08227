"""Counts the calls that its own modes and its own subclass of Tensor see while it trains."""

import collections

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

counts = collections.Counter()


class Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        counts["function mode", getattr(function, "__name__", str(function))] += 1
        return function(*args, **(kwargs or {}))


class Operators(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        counts["dispatch mode", str(function)] += 1
        return function(*args, **(kwargs or {}))


class Own(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        counts["subclass", getattr(function, "__name__", str(function))] += 1
        return super().__torch_function__(function, types, args, kwargs or {})


def own(values):
    return values.as_subclass(Own)


def train(model, data):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(data), torch.zeros(4, 1)).backward()
        optimizer.step()
    with torch.no_grad():
        model(data)


def model():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1))


torch.manual_seed(0)
train(model(), torch.randn(4, 3))
with Functions():
    train(model(), torch.randn(4, 3))
with Operators():
    train(model(), torch.randn(4, 3))
train(model(), own(torch.randn(4, 3)))
weighted = model()
weighted[0].weight = torch.nn.Parameter(own(weighted[0].weight.detach().clone()))
train(weighted, torch.randn(4, 3))
for (who, what), count in sorted(counts.items()):
    print(who, what, count)
print("in all", sum(counts.values()))
