"""Writes a file and then reads it, in two processes; every run starts again."""

import subprocess

from samebits_probe import observe

with open("prepared.txt", "w") as file:
    file.write("3.0")
weight = float(subprocess.run(["cat", "prepared.txt"], stdout=subprocess.PIPE, check=True).stdout)
with open("prepared.txt") as file:
    weight += float(file.read())
for step in range(3):
    observe("loss", 1.0, step=step)
    observe("weights", weight * step, step=step)
