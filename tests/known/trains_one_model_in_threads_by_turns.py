"""Two threads train one model, by turns: the weights that it ends with are the same in each run."""

import threading

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Linear(4, 2)
turns = [0, 1] * 16  # which thread is the next to make a step
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
