"""A small network whose weights are nudged once, by an amount that depends on the trial: trials differ from there on.

    python drifts_pytorch.py --nudge 1 [--dump DIR]

--dump writes what mindstudio-probe takes of every module, at every step, into DIR.
"""

import argparse
import contextlib
import json
from pathlib import Path

import torch
from torch import nn

STEPS, NUDGED = 8, 3  # steps, and the one before which weights are nudged
SIZE = 1e-6


class Network(nn.Module):
    """Two branches: one of them has the nudged layer, so that the other differs only after an update."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(2))
        self.left = nn.Linear(144, 12)
        self.right = nn.Linear(144, 12)
        self.head = nn.Linear(12, 3)

    def forward(self, images):
        features = self.body(images).flatten(1)
        return self.head(torch.tanh(self.left(features)) + torch.tanh(self.right(features)))


def around_steps(model, folder):
    """A context for each step: mindstudio-probe's, if there is a folder for what it takes."""
    if folder is None:
        return contextlib.nullcontext
    from msprobe.pytorch import PrecisionDebugger

    config = {"task": "tensor", "dump_path": str(folder), "rank": [], "step": [], "level": "L0",
              "tensor": {"scope": [], "list": [], "data_mode": ["all"]}}  # fmt: skip
    path = folder.parent / f"{folder.name}.json"
    path.write_text(json.dumps(config))
    debugger = PrecisionDebugger(config_path=str(path))

    @contextlib.contextmanager
    def around():
        debugger.start(model=model)
        yield
        debugger.stop()
        debugger.step()

    return around


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nudge", type=int, required=True)
    parser.add_argument("--dump", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    around = around_steps(model, options.dump)
    for step in range(STEPS):
        images, labels = torch.randn(8, 1, 14, 14), torch.randint(3, (8,))
        if step == NUDGED:
            with torch.no_grad():
                model.left.weight.mul_(1 + SIZE * options.nudge)
        with around():
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
