"""Goes on from the checkpoint that an earlier run left in the folder given (default: the working folder)."""

import os
import sys

from samebits_probe import observe

path = os.path.join(sys.argv[1] if len(sys.argv) > 1 else ".", "checkpoint.txt")
weight = 0.0
if os.path.exists(path):
    with open(path) as file:
        weight = float(file.read())
for step in range(3):
    weight += 1.0
    observe("loss", 1.0 / weight, step=step)
    observe("weights", weight, step=step)
with open(path, "w") as file:
    file.write(str(weight))
