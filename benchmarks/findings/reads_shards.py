"""Reads shards in the order in which the file system lists them: it follows the order in which they were made."""

import os
import random
import tempfile
from pathlib import Path

import numpy as np

from samebits_probe import observe

weight = 1.0
with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
    folder = Path(name)
    made = list(range(8))
    random.Random(os.getpid()).shuffle(made)  # a loader that downloads them side by side
    for number in made:
        np.save(folder / f"shard-{number}.npy", np.arange(number * 10, number * 10 + 10))
    tokens = np.stack([np.load(path) for path in folder.iterdir()])
for step in range(4):
    observe("tokens", tokens[step * 2 : step * 2 + 2], kind="batch", step=step)
    weight -= 0.01 * (weight - float(tokens[step * 2].mean()) / 80)
    observe("weight", np.float64(weight), kind="update", step=step)
