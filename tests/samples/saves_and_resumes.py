"""A training without a framework, which resumes if it finds its file. usage: FOLDER [what it forgets]"""

import pickle
import random
import sys
from pathlib import Path

from samebits_probe import observe

folder, forget = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
random.seed(0 if forget != "seed" else None)
weight, moment, first = 1.0, 0.0, 0
path = folder / "state.pkl"
folder.mkdir(exist_ok=True)
if path.exists() and forget != "file":
    weight, moment, first, state = pickle.loads(path.read_bytes())
    moment = 0.0 if forget == "moment" else moment
    if forget != "generator":
        random.setstate(state)
observe("weight", weight, kind="start")
for step in range(first, 8):
    batch = random.random()
    observe("batch", batch, step=step)
    moment = 0.5 * moment + batch * weight
    observe("loss", moment, step=step)
    weight -= 0.1 * moment
    observe("weights", [weight], step=step)
    if step in (1, 3, 5) and forget != "saving":
        path.write_bytes(pickle.dumps((weight, moment, step + 1, random.getstate())))
if forget == "failing" and first:
    sys.exit("no room")
