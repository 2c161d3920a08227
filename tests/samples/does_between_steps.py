"""Trains by hand and runs, in each of 50 steps, the code in its first argument.

That code has `os`, `threading`, `step`, `value` (what the step's weights are, which it may set), `out` (the trial's
own folder) and `trial` (the folder of its record).
"""

import os
import sys
import threading  # noqa: F401  (for the code)

from samebits_probe import observe

trial = os.path.dirname(os.environ["SAMEBITS_PROBE"])
out = os.path.join(trial, "out")
code = compile(sys.argv[1], "code", "exec")
for step in range(50):
    value = 0.5 * step
    exec(code)
    observe("loss", 1.0 / (step + 1), step=step)
    observe("weights", [value, 1.0], step=step)
