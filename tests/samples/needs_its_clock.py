"""Depends on the hash seed, and looks at the clock: `fails` where it is not that of the file system, or `waits` for it."""

import os
import sys
import tempfile
import time

from samebits_probe import observe

with tempfile.NamedTemporaryFile() as file:
    written = os.stat(file.name).st_mtime
if sys.argv[1] == "fails" and abs(time.time() - written) > 3600:
    sys.exit("the clock is wrong")
while sys.argv[1] == "waits" and time.time() < written:
    time.sleep(0.001)
for step in range(4):
    observe("loss", 1.0, step=step)
    observe("weights", float(hash("weights") % 1000003), step=step)
