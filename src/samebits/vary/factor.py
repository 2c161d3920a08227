"""Defines the factors of the machine: how each is held and varied, and the factors that are controls.

`Machine` knows the choices: processors, instruction sets, locales, devices.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from samebits import controls
from samebits.errors import UsageError
from samebits.experiment import Request
from samebits.launch.environment import search_path, visible_gpus
from samebits.needs import NODE
from samebits.store import TrialTrace
from samebits_probe import process

SECONDS = 120
_ZONE = b"TZif"  # the file of a time zone begins with this; other files are in the same folder


class Machine:
    """Answers questions about this machine. Slow answers are found when they are needed, and kept."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._answers: dict[tuple[str, str], str] = {}

    @property
    def cores(self) -> int:
        """Processors that trials may use."""
        return len(os.sched_getaffinity(0))

    @cached_property
    def instructions(self) -> set[str]:
        """Instruction sets of the processor, by the names of /proc/cpuinfo."""
        return set(str(process.machine()["instructions"]).split())

    @cached_property
    def locales(self) -> list[str]:
        """The locales of the system; if the system does not say, those that every C library has."""
        output = _output(["locale", "-a"], os.environ)
        return output.split() if output else ["C", "POSIX"]

    @property
    def gpus(self) -> list[str]:
        """CUDA devices that a trial would see."""
        return visible_gpus()

    @cached_property
    def python(self) -> str | None:
        """The interpreter that the command most likely runs in; None if that is unknown."""
        program = self.request.command[0]
        word = program if PurePath(program).name.startswith("python") else "python"
        path = shutil.which(word, path=search_path(self.request.python))
        return self.request.python or path

    def asked(self, program: str, variables: Mapping[str, str | None]) -> str:
        """Return what a short program prints in the trials' interpreter; empty if it cannot be run."""
        key = program, repr(sorted(variables.items()))
        if key not in self._answers:
            every = {**os.environ, **self.request.variables, **variables}
            environment = {name: value for name, value in every.items() if value is not None}
            self._answers[key] = _output([self.python, "-c", program], environment) if self.python else ""
        return self._answers[key]


def has_time_zone(name: str) -> bool:
    """Return whether the system knows a time zone of that name (the C library takes an unknown one for UTC)."""
    folder = Path(os.environ.get("TZDIR", "/usr/share/zoneinfo"))
    try:
        return not name.startswith(("/", ".")) and (folder / name).read_bytes()[:4] == _ZONE
    except OSError:
        return False


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


OWN = "own"  # as the user's own setup has it


@dataclass(frozen=True)
class Change:
    """The change that a value of a factor makes to the setup of its trials.

    `controls`: ids to hold. `variables`, `python`, `environment`: see `Request`. `elsewhere`: the trials work in a
    different folder, with links to the user's files. `busy`: the number of processes that keep the machine busy.
    `node`: the name of the node on which the trials run.
    """

    controls: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)
    python: str | None = None
    environment: str | None = None
    elsewhere: bool = False
    busy: int = 0
    node: str | None = None

    def applied(self, request: Request, elsewhere: Path) -> Request:
        """Return a request with this change. `elsewhere`: the working folder for a change that moves it."""
        mine = {controls.name_of(identity) for identity in self.controls}
        kept = [identity for identity in request.controls if controls.name_of(identity) not in mine]
        return replace(
            request,
            controls=[*kept, *self.controls],
            variables={**request.variables, **self.variables},
            python=self.python or request.python,
            environment=self.environment or (None if self.python else request.environment),
            directory=elsewhere if self.elsewhere else request.directory,
            each={**request.each, NODE: self.node} if self.node else request.each,
        )


class Factor(ABC):
    """A factor of the machine. The first line of a subclass' docstring says what it is.

    id           as in --factor
    held         the value in the base setup, also while others are varied
    takes        the values it takes, in words
    control      the control that holds it, if there is one; vary leaves it alone if the user holds that control
    unchanged    what to add to the reason if a value was in force for the base too
    unread       why a trial cannot say what is in force; empty if it can
    is_cheap     whether it is varied if the user names no factor
    moves_memory whether its values may, as a side effect, move the memory of a process: by the length of its
                 variables (some name the record), or by what is loaded and allocated at its start
    compares_machines  whether its values are machines, which are meant to differ
    """

    id = ""
    held = OWN
    takes = ""
    control = ""
    unchanged = ""
    unread = ""
    is_cheap = True
    moves_memory = True
    compares_machines = False

    def base(self, machine: Machine) -> str:
        """Return the value of the base setup while this factor is varied, if the user names none."""
        return self.held

    def does(self) -> str:
        """Return what the factor is, in one sentence."""
        return (self.__doc__ or "").strip().splitlines()[0]

    @abstractmethod
    def varied(self, machine: Machine) -> list[str]:
        """Return the values to try beside the held one if the user names none; empty if there are none here."""

    @abstractmethod
    def why_not(self, value: str, machine: Machine) -> str:
        """Return why this machine cannot have a value, as a sentence without its full stop; empty if it can."""

    @abstractmethod
    def change(self, value: str, machine: Machine) -> Change:
        """Return the change that sets a value."""

    def why_none(self, machine: Machine) -> str:
        """Return why nothing can be varied here without named values."""
        return f"this machine has only the value {self.held}"

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return what was in force in the trials of a value; None if unknown.

        Different effects have different words.
        """
        processes = [process for trial in trials for process in trial.observed or trial.processes]
        facts = [event["facts"] for process in processes for event in _in_force_events(process.events)]
        return next((str(fact[self.id]) for fact in facts if self.id in fact), None)

    def why_no_effect(self) -> str:
        """Return why the trials say nothing about this factor."""
        return self.unread or "the trials do not show it"


class ControlFactor(Factor):
    """A factor whose values are those of a control."""

    def __init__(self, control: Any) -> None:
        self._control = control
        self.id, self.control, self.held = control.factor, control.id, control.base()
        self.takes, self.moves_memory, self.unread = control.takes, control.moves_memory, control.no_effect

    def does(self) -> str:
        """See Factor."""
        return str(self._control.varies)

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return list(self._control.varied(machine))

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        try:
            controls.resolve([] if value == OWN else [f"{self.control}={value}"])
        except UsageError as why:
            reason = why.message.rstrip(".")
            return f"{reason[:1].lower()}{reason[1:]}"
        return str(self._control.lacks(value, machine))

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return self._control.not_here or super().why_none(machine)

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        held = self._control.at_own(machine) if value == OWN else value
        return Change() if held is None else Change(controls=(f"{self.control}={held}",))


def _in_force_events(events: Sequence[Mapping[str, object]]) -> list[Mapping[str, dict[str, object]]]:
    """Return the events of the probe that say what is in force (see samebits_probe.wire)."""
    return [e for e in events if e.get("event") == "in-force" and isinstance(e.get("facts"), dict)]  # type: ignore[misc]
