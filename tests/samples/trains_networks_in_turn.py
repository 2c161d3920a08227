"""Trains two networks one after the other, each for STEPS steps. The second trial begins with the other one.

With the argument "chance", each network begins with weights of its own in each run.
"""

import random
import sys

from samebits_probe import observe
from samebits_probe.api import current

trial, steps, chance = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
names, step = ["generator", "critic"] if trial != 2 else ["critic", "generator"], 0
for label, name in zip(("", "Net."), names):
    current().event("model", label=label)
    observe(label + "weight", "%s %s" % (name, random.SystemRandom().random() if chance else ""), step, "start")
    for turn in range(steps):
        observe(label + "0", turn, step, "batch")
        observe(label + "weight", "gradient %d of %s" % (turn, name), step, "gradient")
        observe(label + "weight", "%s after %d" % (name, turn), step, "update")
        step += 1
