"""Trains by hand for STEPS steps of SECONDS each, and shows what MODE says:

`times` (a duration, a rate, a date and an id), `arrays` (durations in an .npz), `result` (also a number that differs), `nothing`. With a clock that is
far too fast, `stops` ends early, `fails` ends with an error, and `hangs` waits for an hour.
"""

import json
import random
import sys
import time
import uuid

from samebits_probe import observe

mode, steps, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
began = time.time()
for step in range(steps):
    observe("batch", [step * 1.0, 2.0], step=step)
    observe("loss", 1.0 / (step + 1), step=step)
    observe("weights", [0.5 * step, 1.0], step=step)
    time.sleep(seconds)
    if mode.startswith("stops") and time.time() - began > 30 * steps * seconds:
        break
spent = time.time() - began
if mode in ("fails", "hangs") and spent > 100 * steps * seconds:
    if mode == "fails":
        raise TimeoutError("it took too long")
    time.sleep(3600)
if mode in ("times", "result", "fails", "hangs", "stops"):
    print(f"took {spent:.4f} s, {steps / spent:.2f} steps/s")
    print(time.strftime("done at %Y-%m-%d %H:%M:%S"))
    shown = {"run": str(uuid.uuid4()), "after": spent}
    if mode == "result":
        shown["rmse"] = 0.5 + random.SystemRandom().random() / 2  # never so small that it may be a time
    with open("log.json", "w") as file:
        json.dump(shown, file)
if mode == "arrays":
    import numpy

    numpy.savez("history.npz", spent=[spent, spent / 2])
