"""Seeds its generator with the time."""

import time

import numpy as np

from samebits_probe import observe

seed = time.time_ns() % 2**32
draws = np.random.default_rng(seed)
weights = draws.normal(size=12).astype("float32")
for step in range(5):
    observe("weights", weights, kind="start" if step == 0 else "update", step=step)
    weights = (weights * np.float32(0.9)).astype("float32")
print("norm", float(np.linalg.norm(weights)))
