"""Trains by hand: STEPS steps that are the same in every run; with a second argument, another value from step AT on."""

import random
import sys

from samebits_probe import observe

steps = int(sys.argv[1])
parts_at = int(sys.argv[2]) if len(sys.argv) > 2 else steps
for step in range(steps):
    observe("batch", [step * 1.0, 2.0], step=step)
    observe("loss", 1.0 / (step + 1), step=step)
    observe("gradient", random.SystemRandom().random() if step >= parts_at else 0.5, step=step)
    observe("weights", [0.5 * step, 1.0], step=step)
print("loss 0.75\naccuracy: 0.93")
