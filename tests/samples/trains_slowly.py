"""One step each SECONDS, for STEPS steps."""

import sys
import time

from samebits_probe import observe

for step in range(int(sys.argv[1])):
    observe("loss", 1.0, step=step)
    observe("weights", [0.5 * step, 1.0], step=step)
    time.sleep(float(sys.argv[2]))
