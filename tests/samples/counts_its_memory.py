"""Tells how many blocks of memory are in use at its start, and leaves a file that later trials find."""

import os
import sys

blocks = sys.getallocatedblocks()

import samebits_probe  # noqa: E402

samebits_probe.observe("blocks", float(blocks), step=0)
with open("left-%d.txt" % os.getpid(), "w") as file:
    file.write("left")
