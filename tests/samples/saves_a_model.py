"""Writes the file given; its content is the second argument, or differs in every run."""

import os
import sys

from samebits_probe import observe

observe("loss", 1.0, step=0)
observe("weights", [0.5], step=0)
with open(sys.argv[1], "wb") as file:
    file.write(sys.argv[2].encode() if len(sys.argv) > 2 else os.urandom(16))
