"""Draws its weights without a seed, and leaves a score that no control holds."""

import json
import os
import random

from samebits_probe import observe

for step in range(4):
    observe("weights", random.random(), step=step)
with open("score.json", "w") as file:
    json.dump({"score": 1 + int.from_bytes(os.urandom(6), "big") / 2**48}, file)
