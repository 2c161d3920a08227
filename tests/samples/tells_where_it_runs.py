"""Writes down what it was started with, into the folder given, and takes a step."""

import json
import os
import sys

from samebits_probe import observe

observe("loss", 1.0, step=0)
observe("weights", [0.5], step=0)
found = {
    "argv": sys.argv[1:],
    "directory": os.getcwd(),
    "environment": dict(os.environ),
    "input": sys.stdin.read(),
    "executable": sys.executable,
    "session": os.getsid(0),
    "listing": sorted(os.listdir(".")),
}
with open(os.path.join(sys.argv[1], "found.json"), "w") as file:
    json.dump(found, file)
