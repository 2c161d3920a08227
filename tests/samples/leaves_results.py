"""Trains by hand, the same in every run, and then leaves what the code in its first argument leaves.

That code has `os`, `json`, `time`, `out` (the second argument), `trial` (the third), `chance()`, which gives a number
that differs in every run, and `seconds()`, which waits a moment and measures how long.
"""

import json  # noqa: F401  (for the code)
import os  # noqa: F401
import sys
import time  # noqa: F401  (for the code)

from samebits_probe import observe


def chance():
    """A number from 1 to 2: so narrow that it cannot follow a faster clock by chance."""
    return 1 + int.from_bytes(os.urandom(6), "big") / 2**48


def seconds():
    """The time of a short wait."""
    began = time.perf_counter()
    time.sleep(0.02)
    return time.perf_counter() - began


out = sys.argv[2]
for step in range(3):
    observe("loss", 1.0 / (step + 1), step=step)
    observe("weights", [0.5 * step, 1.0], step=step)
trial = int(sys.argv[3])
exec(sys.argv[1])
