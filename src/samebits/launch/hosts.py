"""Where whole trials run. A host takes the order for a trial and runs it, on this machine or on others."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from samebits.errors import UsageError
from samebits.launch import HOSTS, LAUNCHERS
from samebits.needs import SBATCH

if TYPE_CHECKING:
    from pathlib import Path

    from samebits.launch.environment import Slot
    from samebits.launch.leaks import Leaks
    from samebits.launch.limits import Limits
    from samebits.launch.plan import Plan
    from samebits.model import TrialFile

__all__ = ["Host", "HostedTrial", "TrialOrder", "connect"]


class TrialOrder(NamedTuple):
    """What a host is asked for: one trial of a plan. `leaks`: knows what earlier trials have left."""

    plan: Plan
    id: int
    limits: Limits
    slot: Slot
    leaks: Leaks


class HostedTrial(Protocol):
    """A trial that was started on a host."""

    id: int
    limits: Limits
    slot: Slot

    @property
    def pace(self) -> float:
        """Seconds until the next look is due."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it has reached the end of a round, has its document, and can go on."""
        ...

    @property
    def spent(self) -> float:
        """Seconds that the trial has run."""
        ...

    def steps(self) -> int:
        """How many steps it has made, as far as that is known here."""
        ...

    def poll(self) -> bool:
        """Whether the trial is over, or waits. Returns at once."""
        ...

    def news(self) -> str:
        """A sentence about what keeps it from running, told once; empty if there is nothing new."""
        ...

    def fetch(self) -> TrialFile:
        """The document of a trial that is over. All that it left lies in its folder of the record then, sealed."""
        ...

    def ask_to_end(self) -> None:
        """Ask for the end of the trial. Returns at once: several trials then end at the same time."""
        ...

    def cancel(self, why: str) -> None:
        """End the trial now, whatever it does, and write down why. None of its processes is left then."""
        ...


class Host(Protocol):
    """Where trials run.

    `no_waiting`: why no trial can wait there for the next round; empty if they can. `slots`: how many trials it has
    room for; 0 if the first trial has to be measured.
    """

    no_waiting: str
    slots: int

    def reach(self, directory: Path) -> str:
        """Make sure that trials find the working folder there; what the user should know of that, or nothing.

        Raises UsageError if they cannot.
        """
        ...

    def nodes(self) -> list[str]:
        """The names of its nodes that have what a trial needs, as --each node= takes them; empty if it has no nodes."""
        ...

    def start(self, order: TrialOrder) -> HostedTrial:
        """Start a trial. A trial of the same number is replaced."""
        ...


def connect(name: str, each: Mapping[str, str]) -> Host:
    """The host that `--on` names: `local`, or KIND[://ADDRESS].

    `each`: what one trial needs there, as `--each` and `--sbatch` say it. Raises UsageError if there is no such host,
    or if it does not answer.
    """
    kind, divided, address = name.partition("://")
    if kind not in HOSTS and kind not in LAUNCHERS:
        raise UsageError(f"There is no {name!r} to run trials on.", f"Known: {', '.join([*LAUNCHERS, *HOSTS])}.")
    if divided and (not address or kind in LAUNCHERS):
        what = "has no address" if kind in LAUNCHERS else "needs an address after ://"
        raise UsageError(f"--on {name}: {kind} {what}.", f"--on {kind}")
    if SBATCH in each and kind != "slurm":
        raise UsageError(
            f"--sbatch {each[SBATCH]} needs --on slurm: trials on {kind} are not Slurm jobs.", "--on slurm"
        )
    file, class_name = HOSTS.get(kind, ("local_host", "LocalHost"))
    found: Host = getattr(importlib.import_module(f"samebits.launch.{file}"), class_name)(kind, address, each)
    return found
