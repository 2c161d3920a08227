"""Trains while functions of the operating system are replaced, as a test of its own would do, and counts their calls."""

import contextlib
import sys
from unittest import mock

NAMES = ["os.open", "os.write", "os.close", "os.getpid", "os.getppid", "os.getcwd", "os.replace", "os.makedirs", "os.unlink", "os.fstat", "os.ftruncate",
         "os.path.join", "os.path.abspath", "os.fsdecode", "builtins.open", "io.open", "json.dump", "json.dumps",
         "time.time", "time.sleep"]  # fmt: skip


def train_torch():
    import torch

    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()

    return step


def train_nothing():
    from samebits_probe import observe

    steps = iter(range(100))
    return lambda: observe("weights", b"bits", step=next(steps))


step = train_torch() if "torch" in sys.argv else train_nothing()
step()
mocks = {}
with contextlib.ExitStack() as stack:
    for name in NAMES:
        mocks[name] = stack.enter_context(mock.patch(name, side_effect=OSError("replaced")))
    step()
    step()
print("called:", [name for name in NAMES if mocks[name].called])
if "to-the-end" in sys.argv:
    for name in NAMES:
        if not name.endswith("getpid"):  # torch asks for it at the exit
            mock.patch(name, side_effect=OSError("replaced")).start()
