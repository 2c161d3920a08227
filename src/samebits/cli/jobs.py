"""`samebits slurm`: waits for a job of Slurm that trains by itself."""

from __future__ import annotations

from typing import Any

from samebits import requests
from samebits.cli.parser import launching

__all__ = ["SLURM"]

SLURM_TEXT = """Submit a job of Slurm, show its output, and wait until it is over: samebits slurm -- sbatch job.sh

Put it after `samebits check --`. Then each trial is a job of its own, which trains by itself: with srun, on several
nodes. The job gets the environment of the trial, so samebits watches its Pythons. The record has to be on a disk that
all nodes share. If samebits ends early, the job is cancelled. Slurm does not run it a second time (--no-requeue).

Exit status: that of the job; 1 if the job was ended and has none; 2 wrong use, or Slurm does not take the job."""


def run_slurm(command: tuple[str, ...], **_: Any) -> int:
    """Submit, wait, and end as the job has ended."""
    requests.refuse_platform()
    from samebits.launch.slurm_job import wait_for_job

    return wait_for_job(command)


SLURM = launching("slurm", run_slurm, "Wait for a job of Slurm that trains by itself.\n\n" + SLURM_TEXT)
