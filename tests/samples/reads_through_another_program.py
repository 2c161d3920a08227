"""Goes on from what an earlier run left, read by a program that is not Python."""

import os
import subprocess

from samebits_probe import observe

weight = 0.0
if os.path.exists("state.txt"):
    weight = float(subprocess.run(["cat", "state.txt"], stdout=subprocess.PIPE, check=True).stdout)
for step in range(3):
    weight += 1.0
    observe("loss", 1.0, step=step)
    observe("weights", weight, step=step)
subprocess.run(["sh", "-c", "echo %s > state.txt" % weight], check=True)
