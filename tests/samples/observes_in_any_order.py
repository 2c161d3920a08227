"""Observes the same values in an order that differs in each run, and evaluates in some steps more often than in others.

With the argument "episodes", the number of values in a step differs in each run, too, and so do the values.
"""

import random
import sys

from samebits_probe import observe

for step in range(100):
    names = ["a", "b", "c"]
    random.shuffle(names)
    for name in names:
        observe("batch " + name, float(step), step=step)
    for _ in range(random.randrange(4)):
        observe("evaluation/loss", random.random(), kind="forward")
    for _ in range(random.randrange(1, 100) if sys.argv[1] == "episodes" else 0):
        observe("forward", random.random())
    observe("weights", 0.5 * step, step=step)
