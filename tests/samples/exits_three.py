"""Trains a little, then exits with status 3."""

import sys

from samebits_probe import observe

for step in range(3):
    observe("loss", 1.0, step=step)
    observe("weights", [0.5 * step], step=step)
sys.exit(3)
