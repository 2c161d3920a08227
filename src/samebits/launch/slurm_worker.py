"""Runs one trial on a node, as a task of a Slurm job.

A worker and samebits exchange files on the disk that they share. The names of these files begin alike: the order
(`.order`), who has begun (`.began`), and the outcome (`.outcome`), which is there whole or not at all. If Slurm
preempts a job and queues it again, the job finds its order once more, and starts again. Standard library alone.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
from dataclasses import replace
from pathlib import Path

from samebits.launch.keeper import Post, end_at_signal, outcome_here

__all__ = ["CODE", "main"]

CODE = "code"  # the name of the file with the packed probe, which all trials share


def main(stem: str) -> None:
    """Run the trial that a file orders. `stem`: the path of the trial's files, without their endings."""
    signal.signal(signal.SIGTERM, end_at_signal)
    order: Post = pickle.loads(Path(f"{stem}.order").read_bytes())
    order = replace(order, code=Path(stem).with_name(CODE).read_bytes())
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    Path(f"{stem}.began").write_text(node)
    draft = Path(f"{stem}.part")
    draft.write_bytes(pickle.dumps(outcome_here(order, node, _notes()), protocol=4))
    draft.rename(f"{stem}.outcome")


def _notes() -> list[str]:
    times = os.environ.get("SLURM_RESTART_COUNT", "0")
    said = f"Slurm put this trial's job back into its queue {_times(times)}, so the trial started again"
    return [] if times == "0" else [said]


def _times(number: str) -> str:
    return "once" if number == "1" else f"{number} times"
