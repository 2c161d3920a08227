"""Starts as many ranks of a distributed run as the second argument says, of the number that the first one promises."""

import os
import subprocess
import sys

train = """
import os
from samebits_probe import observe
for step in range(50):
    observe("loss", 1.0, step=step)
    observe("weights", [float(os.environ["RANK"]) + step], step=step)
"""
ranks = []
for rank in range(int(sys.argv[2])):
    variables = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=sys.argv[1])
    ranks.append(subprocess.Popen([sys.executable, "-c", train], env=variables))
sys.exit(max(rank.wait() for rank in ranks))
