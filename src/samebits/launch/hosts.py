"""Where whole trials run. A host takes the order for a trial and runs it, on this machine or on others.

For a host of other machines, `samebits.launch.remote.remote_host.RemoteHost` does all that is the same for each of
them: it packs the order, watches for the outcome, and puts the trial's folder into the record. Such a host says how an
order starts (`begin`), whether it still runs, and how to kill it (`RemoteTask`).
"""

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
    from samebits.launch.outside import Outside
    from samebits.launch.plan import Limits, Plan
    from samebits.model import TrialFile


class TrialOrder(NamedTuple):
    """An order for a host: one trial of a plan.

    `outside`: knows which files earlier trials left for later ones.
    """

    plan: Plan
    id: int
    limits: Limits
    slot: Slot
    outside: Outside


class HostedTrial(Protocol):
    """A trial that was started on a host."""

    id: int
    limits: Limits
    slot: Slot

    @property
    def pace(self) -> float:
        """How many seconds to wait before the next `poll`."""
        ...

    @property
    def waits(self) -> bool:
        """Whether the trial has reached the end of a round, has written its document, and can go on."""
        ...

    @property
    def spent(self) -> float:
        """How many seconds the trial has run."""
        ...

    def steps(self) -> int:
        """Return how many steps the trial has made, as far as this machine knows."""
        ...

    def poll(self) -> bool:
        """Return whether the trial is over or waits. It does not block."""
        ...

    def news(self) -> str:
        """Return a sentence about what keeps the trial from running, or an empty text. Each sentence comes once."""
        ...

    def fetch(self) -> TrialFile:
        """Return the document of a trial that is over. After that, its sealed folder is in the record."""
        ...

    def ask_to_end(self) -> None:
        """Ask the trial to end, and do not wait. So several trials can end at the same time."""
        ...

    def cancel(self, why: str) -> None:
        """End the trial and all its processes, wait for that, and write `why` into its document.

        It does not wait for ever for a trial on a different machine. If that trial may still run, its document has a
        note.
        """
        ...


class Host(Protocol):
    """Where trials run.

    `no_waiting`: why trials cannot wait there for the next round; empty if they can. `slots`: how many trials fit; 0 if
    the first trial has to be measured.
    """

    no_waiting: str
    slots: int

    def reach(self, directory: Path) -> str:
        """Make sure that trials find the working folder. Return a sentence for the user, or an empty text.

        Raises UsageError if they cannot.
        """
        ...

    def nodes(self) -> list[str]:
        """Return the names of the nodes that have what a trial needs, for --each node=. A host may have none."""
        ...

    def start(self, order: TrialOrder) -> HostedTrial:
        """Start a trial, which replaces an earlier one of its number. Raises UsageError if it cannot be started."""
        ...


class TaskState(NamedTuple):
    """What a host knows about an order that it has started.

    `waits`: a sentence about what keeps the trial from running, or an empty text. `is_over`: the order does not run,
    and will not run again. Then `why` says how a trial that had begun ended, and `message` (with `advice`) why a trial
    did not begin.
    """

    waits: str = ""
    is_over: bool = False
    why: str = ""
    message: str = ""
    advice: str = ""


class RemoteTask(Protocol):
    """An order that a host has started on a different machine.

    Only its outcome counts (see `samebits.launch.node.orders.OrderFiles`). A host without a shared disk brings it.
    """

    def look(self) -> TaskState:
        """Return the state of the order. It does not block. If the outcome is there and lies elsewhere, bring it."""
        ...

    def kill(self) -> None:
        """Ask for the end of the order, and do not wait."""
        ...


def connect(name: str, each: Mapping[str, str]) -> Host:
    """Connect to the host that `--on` names: `local`, or KIND[://ADDRESS].

    `each`: what one trial needs there, as `--each` and `--sbatch` say it. Raises UsageError if there is no such host,
    or if it does not answer.
    """
    kind, divided, address = name.partition("://")
    if kind not in HOSTS and kind not in LAUNCHERS:
        raise UsageError(f"There is no host {name!r}.", f"Choose from: {', '.join([*LAUNCHERS, *HOSTS])}.")
    if divided and (not address or kind in LAUNCHERS):
        what = "has no address" if kind in LAUNCHERS else "needs an address after ://"
        raise UsageError(f"--on {name}: {kind} {what}.", f"--on {kind}")
    if SBATCH in each and kind != "slurm":
        raise UsageError(
            f"--sbatch {each[SBATCH]} needs --on slurm: trials on {kind} are not Slurm jobs.", "--on slurm"
        )
    file, class_name = HOSTS.get(kind, ("trial.local_host", "LocalHost"))
    host: Host = getattr(importlib.import_module(f"samebits.launch.{file}"), class_name)(kind, address, each)
    return host
