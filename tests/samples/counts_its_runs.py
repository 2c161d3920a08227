"""Trains by how often it has been run: the count is kept in a file that no one looks at."""

import os
import sys

from samebits_probe import observe

COUNT = sys.argv[1]
with open(COUNT, "a") as file:
    file.write(".")
observe("update.count", os.path.getsize(COUNT) > int(sys.argv[2]), step=0)
