"""Two processes that train, one after the other, of 10 and of 50 steps."""

import subprocess
import sys

train = """
import sys
from samebits_probe import observe
for step in range(int(sys.argv[1])):
    observe("loss", 1.0, step=step)
    observe("weights", [float(step)], step=step)
"""
for steps in ("10", "50"):
    subprocess.run([sys.executable, "-c", train, steps], check=True)
