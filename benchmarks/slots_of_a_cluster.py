"""How long `explain` and `vary` take on a real Ray cluster: with one trial at a time, and on its four slots.

    python benchmarks/slots_of_a_cluster.py [--seconds 10] [--only explain vary] [--keep FOLDER]

The cluster has two raylets with two slots each. Both run on this machine. A trial trains for four steps and sleeps in
each of them, so four trials need no more than a core or two. Ray's workers have the niceness of other processes here,
and not 15: other work on this machine would delay them for seconds, as no work of a different node does. Without
--seconds a trial takes 3 s, so what Ray and samebits cost weighs more than in a real training. `explain` looks for a
seed of NumPy that is missing. `vary` runs the training with the seed, and compares two values of one factor.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from samebits import words

TRAINING = """import sys, time
import numpy as np
import samebits_probe
if "seeded" in sys.argv:
    np.random.seed(0)
weight = np.zeros(4)
for step in range(4):
    weight -= 0.1 * (weight - np.random.random(4))
    samebits_probe.observe("weights/w", weight, step=step)
    time.sleep(float(sys.argv[1]) / 4)
"""
SEARCHES = {
    "explain": (["explain", "--jobs"], ["auto"], [], 1),
    "vary": (["vary", "-n", "3", "--factor", "hash-seed", "--jobs"], ["4"], ["seeded"], 0),
}
STORE = 80_000_000  # bytes of shared memory for each raylet, the least that Ray takes


@contextmanager
def cluster():
    """The address of a cluster of two raylets, while the block runs."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": STORE}
    found = Cluster(initialize_head=True, head_node_args=head)
    try:
        found.add_node(num_cpus=2, object_store_memory=STORE)
        yield found.address
    finally:
        found.shutdown()


def search(name, jobs, seconds, address, folder):
    """Run a search on the cluster; returns its seconds and its answer."""
    begin, _, program, status = SEARCHES[name]
    out = f"{name}-{jobs}"
    command = [sys.executable, "-m", "samebits", *begin, jobs, "--on", f"ray://{address}", "--json", f"{out}.json",
               "--out", out, sys.executable, "train.py", str(seconds), *program]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    taken = time.perf_counter() - began
    if done.returncode != status:
        sys.exit(done.stdout + done.stderr)
    return taken, json.loads((folder / f"{out}.json").read_text())


def told(name, found):
    """What a search found, and how many trials it took."""
    if name == "explain":
        answer = found["explanation"]
        return ", ".join(answer["cause"]), words.count(answer["trials"], "trial")
    same = found["verdict"] == "repeated"
    return "the same bits" if same else found["sentence"], f"{words.count(found['trials'], 'trial')} of each value"


def compare(name, seconds, address, folder):
    """One search with one trial at a time, and on all slots."""
    _, (beside,), _, _ = SEARCHES[name]
    taken = {}
    for jobs in ("1", beside):
        taken[jobs], found = search(name, jobs, seconds, address, folder)
        what, trials = told(name, found)
        print(f"{name} --jobs {jobs}: {what} in {taken[jobs]:.0f} s, {trials}", flush=True)
    print(f"{name}: four slots take {taken[beside] / taken['1']:.2f} of the time of one", flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--seconds", type=float, default=3.0, help="that a trial trains (default: 3)")
    parse.add_argument("--only", nargs="*", default=list(SEARCHES), choices=SEARCHES)
    parse.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder for the records, which stay")
    args = parse.parse_args()
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
    with tempfile.TemporaryDirectory() as made, cluster() as address:
        folder = args.keep or Path(made)
        folder.mkdir(exist_ok=True)
        (folder / "train.py").write_text(TRAINING)
        for name in args.only:
            compare(name, args.seconds, address, folder.resolve())


if __name__ == "__main__":
    main()
