"""Observes the same values in an order that differs in each run, and evaluates in some steps more often than in others.

The evaluations are recorded as a watcher records those of a library: what the program observes itself would count.
With the argument "episodes", the number of values in a step differs in each run, too, and so do the values.
"""

import random
import sys

from samebits_probe import api, observe

probe = api.current()

for step in range(100):
    names = ["a", "b", "c"]
    random.shuffle(names)
    for name in names:
        observe("batch " + name, float(step), step=step)
    for _ in range(random.randrange(4)):
        probe.value("forward", "evaluation/loss", random.random())
    for _ in range(random.randrange(1, 100) if sys.argv[1] == "episodes" else 0):
        observe("forward", random.random())
    observe("weights", 0.5 * step, step=step)
