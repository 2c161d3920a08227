"""Where whole trials run. A host takes the order for a trial and runs it, on this machine or on others."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from samebits.errors import UsageError
from samebits.launch import HOSTS, LAUNCHERS
from samebits.needs import SBATCH

if TYPE_CHECKING:
    from pathlib import Path

    from samebits.launch.environment import Slot
    from samebits.launch.outside import Outside
    from samebits.launch.plan import Limits, Plan
    from samebits.launch.remote import Visit
    from samebits.model import TrialFile

__all__ = ["EndingTrials", "Host", "HostedTrial", "TrialOrder", "connect"]

_PATIENCE = 30.0  # seconds in which a trial whose end was asked for should be gone


class TrialOrder(NamedTuple):
    """An order for a host: one trial of a plan.

    `outside`: knows which files earlier trials left for later ones. `ending`: the trials of the record that will end.
    `visit`: the visit to the working folder, of a trial that runs on a different machine.
    """

    plan: Plan
    id: int
    limits: Limits
    slot: Slot
    outside: Outside
    ending: EndingTrials
    visit: Visit | None = None


class EndingTrials:
    """The trials of one record whose end was asked for, and has not been seen. Their time runs at the same time."""

    def __init__(self) -> None:
        self._until: dict[HostedTrial, float] = {}

    def add(self, trial: HostedTrial) -> None:
        """The end of a trial is asked for now."""
        self._until.setdefault(trial, time.monotonic() + _PATIENCE)

    def wait_for(self, trial: HostedTrial) -> None:
        """Return when the trial is over, or its time is up. Look at the others, too: an end may need several looks."""
        until = self._until.get(trial, 0.0)
        while not trial.poll() and time.monotonic() < until:
            for other in self._until:
                other.poll()
            time.sleep(trial.pace)
        self._until.pop(trial, None)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """No time passes for the trials while the block runs, because nobody looks at them."""
        began = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - began
            self._until = {trial: until + spent for trial, until in self._until.items()}


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
    file, class_name = HOSTS.get(kind, ("local_host", "LocalHost"))
    found: Host = getattr(importlib.import_module(f"samebits.launch.{file}"), class_name)(kind, address, each)
    return found
