"""Names steps that lie far apart: 0, 1 and the number given."""

import sys

from samebits_probe import observe

for step in (0, 1, int(sys.argv[1])):
    observe("weights", float(step), step=step)
