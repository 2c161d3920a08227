"""Leaves a daemon behind, in a session of its own, with no parent; its pid is in the file that was named."""

import os
import sys
import time

from samebits_probe import observe

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1], "w") as file:
            file.write(str(os.getpid()))
        os.close(0), os.close(1), os.close(2)
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
observe("loss", 1.0, step=0)
observe("weights", [0.5], step=0)
