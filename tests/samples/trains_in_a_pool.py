"""Each task of a pool observes a small training of its own; the pool is ended while its workers wait for more."""

import multiprocessing
import os
import sys
from concurrent import futures

from samebits_probe import observe


def train(number):
    """Observe three steps; the process that does it ends in its own way."""
    for step in range(3):
        observe("w", float(number + step), step=step)
    return number


def kill_workers(executor):
    """What `ProcessPoolExecutor.kill_workers` does in Python 3.14."""
    for process in executor._processes.values():
        os.kill(process.pid, 9)


def main(kind, method):
    """Train in one worker, so that its order of tasks is the same in each run."""
    context = multiprocessing.get_context(method)
    if kind == "pool":
        with context.Pool(1) as pool:
            print(pool.map(train, [1, 2], chunksize=1))
    else:
        with futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            print([executor.submit(train, number).result() for number in (1, 2)])
            kill_workers(executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
