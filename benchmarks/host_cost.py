"""What a trial on a host costs beyond one on this machine: seconds, and bytes moved.

    python benchmarks/host_cost.py [--on ray://ADDRESS] [--trials 10]
    python tests/slurm_site.py python benchmarks/host_cost.py --on slurm    with a site of this machine alone

The program makes one step and ends, so what is left is the host. The first trial is shown apart: it also starts a
worker. A trial may also wait in the queue of a host. Bytes are those of the packed probe, which goes there once for all
trials, of the order of each trial, and of what comes back.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from samebits.experiment import Experiment, Limits, Request
from samebits.launch.node.orders import CODE, OrderFiles
from samebits.model import Options
from samebits.words import size

STEP = "import samebits_probe; samebits_probe.observe('weights/w', 0.5, step=0)\n"
MOVED = {"order": 0, "outcome": 0}  # bytes, by the ending of a file
ONCE = {}
CLEAR = OrderFiles.clear


def weigh_and_clear(files):
    """Note how large the files of an order were before they are removed."""
    ONCE[CODE] = files.shared(CODE).stat().st_size
    for ending in MOVED:
        MOVED[ending] += files.path(ending).stat().st_size
    CLEAR(files)


def measured(host, folder, trials):
    """(seconds until trials can start, seconds of each trial) on a host."""
    began = time.perf_counter()
    asked = Request(
        command=[sys.executable, "step.py"], directory=folder, out=folder / host.partition(":")[0], host=host,
        options=Options(trials=trials, jobs=1),
    )  # fmt: skip
    experiment, each = Experiment.begin(asked), []
    ready = time.perf_counter() - began
    for number in range(1, trials + 1):
        began = time.perf_counter()
        looked = experiment.run(Limits(), [number])
        each.append(time.perf_counter() - began)
        assert looked.files[0].status == "complete", looked.files[0]
    return ready, each


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", default="ray", help="the host (default: ray, a cluster on this machine)")
    parser.add_argument("--trials", type=int, default=10)
    args = parser.parse_args()
    OrderFiles.clear = weigh_and_clear
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # a folder that the nodes see, too
        folder = Path(name)
        (folder / "step.py").write_text(STEP)
        _, here = measured("local", folder, args.trials)
        ready, there = measured(args.on, folder, args.trials)
    own, far = statistics.median(here[1:]), statistics.median(there[1:])
    print(f"seconds until {args.on} takes trials: {ready:.1f}")
    print(f"seconds of a trial: local {own:.2f}, {args.on} {far:.2f} (the first one: {there[0]:.2f})")
    print(f"beyond local: {far - own:.2f} s a trial, median of {args.trials - 1}")
    print(f"moved once: {size(ONCE[CODE])} there, kept for all trials")
    print(f"moved a trial: {size(MOVED['order'] / args.trials)} there, {size(MOVED['outcome'] / args.trials)} back")


if __name__ == "__main__":
    main()
