"""Races between processors: two threads add to one array without a lock, and now and then an addition is lost."""

import threading
import time

import numpy as np

from samebits_probe import observe

total = np.zeros(15000)


def add(value):
    """NumPy lets the other thread run while it adds."""
    for _ in range(4):
        np.add(total, value, out=total)


for step in range(60):
    time.sleep(0.005)
    threads = [threading.Thread(target=add, args=(value,)) for value in (0.5, 0.25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    observe("loss", float(total.sum()), step=step)
    observe("weights", total, step=step)
