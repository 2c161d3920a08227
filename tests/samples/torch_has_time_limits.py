"""Sets itself many short time limits while it trains, and counts those that did not end what they limit."""

import random
import signal
import sys
import time

import torch

LIMITS = int(sys.argv[1])


class Late(Exception):
    pass


def late(number, frame):
    raise Late


torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Sequential(*[torch.nn.Linear(8, 8) for _ in range(20)])
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
data = torch.randn(4, 8)


def step():
    optimizer.zero_grad()
    model(data).sum().backward()
    optimizer.step()


def is_ended_after(seconds):
    """Whether the limit ends a training that would go on for two seconds more."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        end = time.monotonic() + seconds + 2
        while time.monotonic() < end:
            step()
            torch.nn.Linear(2, 2)(data[:, :2]).sum().backward()  # a model that dies
        return False
    except Late:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        torch.set_grad_enabled(True)  # PyTorch's own `finally`, in which an optimizer's step does this, may be cut short


step()
signal.signal(signal.SIGALRM, late)
draw = random.Random(2019)
limits = [is_ended_after(draw.uniform(0.0005, 0.01)) for _ in range(LIMITS)]
step()
print("limits that were passed over: %d" % limits.count(False))
