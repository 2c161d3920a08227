"""Runs `samebits slurm`: submits a Slurm job that trains, and waits for it."""

from __future__ import annotations

from typing import Any

from samebits import requests
from samebits.cli.parser import launching

__all__ = ["SLURM"]

SLURM_TEXT = """Submit a Slurm job, show its output, and wait until it ends: samebits slurm -- sbatch job.sh

Put `samebits slurm` after `samebits check --`. Then each trial is a separate job, which may use srun and several
nodes. The job gets the environment of the trial, so samebits watches its Python processes. The record has to be on a
disk that all nodes share. If samebits ends early, it cancels the job. Slurm does not run the job a second time
(--no-requeue).

Exit status: that of the job; 1 if the job ended without one; 2 wrong use, or Slurm refuses the job."""


def run_slurm(command: tuple[str, ...], **_: Any) -> int:
    """Submit the job, wait for it, and return its exit status."""
    requests.refuse_platform()
    from samebits.launch.slurm_job import wait_for_job

    return wait_for_job(command)


SLURM = launching("slurm", run_slurm, "Submit a Slurm job that trains, and wait for it.\n\n" + SLURM_TEXT)
