"""Runs trials on this machine, each below a launcher that starts its command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from samebits.errors import UsageError
from samebits.launch import find_launcher
from samebits.launch.hosts import HostedTrial, TrialOrder
from samebits.launch.trial.trial_run import TrialRun
from samebits.needs import in_options


class LocalHost:
    """This machine. A trial can wait here for the next round."""

    no_waiting, slots = "", 0

    def __init__(self, launcher: str, address: str, each: Mapping[str, str]) -> None:
        if each:
            raise UsageError(
                f"{in_options(each)}: trials with --on {launcher} cannot ask for this.",
                "leave it out, or give --on ray or --on slurm.",
            )
        self._launcher = find_launcher(launcher)

    def reach(self, directory: Path) -> str:
        """See Host."""
        return ""

    def nodes(self) -> list[str]:
        """See Host."""
        return []

    def start(self, order: TrialOrder) -> TrialRun:
        """See Host."""
        trial = TrialRun(order.plan, order.id, order.limits, order.slot, order.outside)
        trial.start(self._launcher)
        return trial


def handles_of(trials: Iterable[HostedTrial]) -> list[int]:
    """Return descriptors. One can be read when a trial has ended; trials on different machines have none."""
    return [handle for trial in trials if isinstance(trial, TrialRun) for handle in trial.command.handles]
