"""Trains a step, and starts another Python with the arguments given, in an environment that is emptied by "--empty"."""

import subprocess
import sys

from samebits_probe import observe

observe("loss", 1.0, step=0)
observe("weights", [0.5], step=0)
words = sys.argv[1:]
environment = {} if words[0] == "--empty" else None
words = [word for word in words if word != "--empty"]
subprocess.run([sys.executable] + words + ["-c", "import time; time.sleep(0.4)"], env=environment, check=True)
