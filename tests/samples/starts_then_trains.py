"""Starts for more than a second, and then takes three steps, each with two threads that compute.

The first argument is code that runs before the first step, the second is code that runs in each step. It has `os`,
`sys`, `time`, `began`, `step`, `value` (which it may set), `out` (the trial's own folder), `trial` (the folder of its
record) and `compute` (which keeps a thread busy for some seconds).
"""

import os
import sys  # noqa: F401  (for the code)
import threading
import time

from samebits_probe import observe

began = time.monotonic()
trial = os.path.dirname(os.environ["SAMEBITS_PROBE"])
out = os.path.join(trial, "out")


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


def train(seconds):
    threads = [threading.Thread(target=compute, args=(seconds,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


exec(sys.argv[1])
time.sleep(1.1)
for step in range(3):
    observe("loss", 1.0 / (step + 1), step=step)
    value = 0.5 * step
    exec(sys.argv[2])
    observe("weights", [value, 1.0], step=step)
    train(0.1)
