"""What a trial as a job of Slurm costs beyond one on this machine: seconds, and bytes moved through the shared disk.

    python benchmarks/slurm_cost.py [--trials 10]                               on a machine that submits jobs
    python tests/slurm_site.py python benchmarks/slurm_cost.py [--trials 10]    with a site of this machine alone

The program makes one step and ends, so what is left is the host. A job may also wait in the queue of a site.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from samebits.experiment import Experiment, Limits, Request
from samebits.launch.slurm_array import SlurmTask
from samebits.model import Options

STEP = "import samebits_probe; samebits_probe.observe('weights/w', 0.5, step=0)\n"
MOVED = {"order": 0, "outcome": 0}
CLEAR = SlurmTask._clear


def weigh_and_clear(task):
    """Note how large the files of a task were before they are removed."""
    for ending in MOVED:
        MOVED[ending] += task.path(ending).stat().st_size
    CLEAR(task)


def seconds(host, folder, trials):
    """Of each trial on a host, one after the other."""
    options = Options(trials=trials, jobs=1)
    command = [sys.executable, "step.py"]
    experiment = Experiment.begin(
        Request(command=command, directory=folder, out=folder / host, host=host, options=options)
    )
    found = []
    for number in range(1, trials + 1):
        began = time.perf_counter()
        finished = experiment.run(Limits(), [number])
        found.append(time.perf_counter() - began)
        assert finished.files[0].status == "complete", finished.files[0]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    trials = parser.parse_args().trials
    SlurmTask._clear = weigh_and_clear
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # a folder that the nodes see, too
        (Path(name) / "step.py").write_text(STEP)
        here, there = (statistics.median(seconds(host, Path(name), trials)) for host in ("local", "slurm"))
    print(
        f"seconds of a trial, median of {trials}: local {here:.2f}, slurm {there:.2f}, beyond local {there - here:.2f}"
    )
    kilobytes = {ending: moved / trials / 1000 for ending, moved in MOVED.items()}
    print(f"moved a trial: {kilobytes['order']:,.0f} kB there, {kilobytes['outcome']:,.0f} kB back")


if __name__ == "__main__":
    main()
