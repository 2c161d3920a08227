"""A training without a framework that saves after SIGTERM and every fourth step. usage: FOLDER FORGET [CHECKPOINT]"""

import pickle
import random
import signal
import sys
from pathlib import Path

from samebits_probe import observe

folder, forget, asked = Path(sys.argv[1]), sys.argv[2], []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
random.seed(0)
weight, moment, first = 1.0, 0.0, 0
folder.mkdir(exist_ok=True)
found = sorted(folder.glob("state-*")) if len(sys.argv) < 4 else [Path(sys.argv[3])]
if found:
    weight, moment, first, state = pickle.loads(found[-1].read_bytes())
    random.setstate(state)
    moment = 0.0 if forget == "moment" else moment
observe("weights", [weight], kind="start")
for step in range(first, 14):
    batch = random.random()
    observe("batch", batch, step=step)
    moment = 0.5 * moment + batch * weight
    observe("loss", moment, step=step)
    weight -= 0.1 * moment
    observe("weights", [weight], step=step)
    if step % 4 == 3 or asked:
        kept = moment if forget != "moment after SIGTERM" or not asked else 0.0
        (folder / f"state-{step + 1:02}").write_bytes(pickle.dumps((weight, kept, step + 1, random.getstate())))
    if asked:
        sys.exit(0)
