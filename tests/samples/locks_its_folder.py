"""Writes a file into a folder that this user cannot open any more when the program has ended. (The test pretends that.)"""

import os

from samebits_probe import observe

os.makedirs("locked", exist_ok=True)
for name in ("locked/scores.txt", "log.txt"):
    with open(name, "w") as file:
        file.write("0.5\n")
observe("batch", 1.0, step=0)
observe("weights", 1.0, step=0)
