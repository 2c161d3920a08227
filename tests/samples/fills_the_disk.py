"""Trains, fills the disk of the file given, trains on, and says in a second file that nothing disturbed it."""

import os
import sys

from samebits_probe import observe


def train(steps):
    for step in steps:
        observe("loss", 1.0 / (step + 1), step=step)
        observe("weights", [0.5 * step], step=step)


train(range(5))
handle = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for size in (65536, 4096, 1):
    try:
        while True:
            os.write(handle, b"x" * size)
    except OSError:
        continue
train(range(5, 2000))
with open(sys.argv[2], "w") as file:
    file.write("trained to the end")
