"""Like PyTorch's mnist_hogwild example: named processes train, each its own part, and their parent makes no step."""

import multiprocessing
import sys
import time

from samebits_probe import observe


def train(number, wait):
    """Observe three steps that only this process has."""
    time.sleep(wait)  # which of them begins to observe first is turned around from run to run
    for step in range(3):
        observe("w", 10.0 * number + step, step=step)


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    is_turned = sys.argv[2] == "2"
    waits = (0.6, 0.0) if is_turned else (0.0, 0.6)
    order = (1, 0) if is_turned and len(sys.argv) > 3 else (0, 1)
    processes = [context.Process(target=train, args=(number, waits[number])) for number in (0, 1)]
    for place in order:
        processes[place].start()
    for process in processes:
        process.join()
