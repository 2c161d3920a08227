"""Two threads train one model, in an order that is drawn again in each run: a Hogwild whose race is sure.

With a word behind the script, they train by turns: the weights that it ends with are the same in each run.
"""

import os
import sys
import threading

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Linear(4, 2)
# which thread is the next to make a step
turns = [0, 1] * 16 if sys.argv[1:] else [byte % 2 for byte in os.urandom(64)] + [0] * 64 + [1] * 64
turn = threading.Condition()


def train(number):
    """Make sixteen steps, each when it is this thread's turn; each thread has batches of its own."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.5)
    for step in range(16):
        with turn:
            turn.wait_for(lambda: turns[0] == number, timeout=60)
            batch = torch.full((3, 4), 0.1 * (number + 1) * (step + 1))
            optimizer.zero_grad()
            (model(batch) - number).pow(2).mean().backward()
            optimizer.step()
            left = turns.pop(0)
            assert left == number
            turn.notify_all()
    with turn:
        turns[:] = [other for other in turns if other != number]
        turn.notify_all()


threads = [threading.Thread(target=train, args=(number,)) for number in (0, 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
