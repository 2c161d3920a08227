"""Trains a little, then is killed as by the system when memory is short."""

import os
import signal

from samebits_probe import observe

for step in range(3):
    observe("loss", 1.0, step=step)
    observe("weights", [0.5 * step], step=step)
os.kill(os.getpid(), signal.SIGKILL)
