"""What a factor of the machine is: how it is held and how it is varied, side by side; and those that controls are.

The machine says what it has to choose from: processors, instruction sets, locales, time zones, devices.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from samebits import controls
from samebits.errors import UsageError
from samebits.experiment import Request
from samebits.launch.environment import search_path, visible_gpus
from samebits.store import TrialTrace
from samebits_probe import process

SECONDS = 120
_ZONE = b"TZif"  # how a file of a time zone begins: others lie beside them


class Machine:
    """Answers about this machine, each asked once and only when it is needed."""

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
        """Locales that the system has; those that every C library has where it cannot be asked."""
        said = _output(["locale", "-a"], os.environ)
        return said.split() if said else ["C", "POSIX"]

    @property
    def gpus(self) -> list[str]:
        """CUDA devices that a trial would see."""
        return visible_gpus()

    @cached_property
    def python(self) -> str | None:
        """The interpreter that the command most likely runs in; None where there is no telling."""
        named = self.request.command[0]
        word = named if PurePath(named).name.startswith("python") else "python"
        found = shutil.which(word, path=search_path(self.request.python))
        return self.request.python or found

    def asked(self, program: str, variables: Mapping[str, str | None]) -> str:
        """What a short program prints in the trials' interpreter; empty where it cannot be run."""
        key = program, repr(sorted(variables.items()))
        if key not in self._answers:
            given = {**os.environ, **self.request.variables, **variables}
            environment = {name: value for name, value in given.items() if value is not None}
            self._answers[key] = _output([self.python, "-c", program], environment) if self.python else ""
        return self._answers[key]


def has_time_zone(name: str) -> bool:
    """Whether the system knows a time zone of that name (the C library takes an unknown one for UTC)."""
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
    """What a value of a factor changes in the setup of its trials.

    `controls`: ids to hold. `variables`: as `Request` has them. `python`, `environment`: see `Request`. `elsewhere`:
    trials work in a folder of links to the user's own, at another place. `busy`: processes that compute beside.
    """

    controls: tuple[str, ...] = ()
    variables: Mapping[str, str | None] = field(default_factory=dict)
    python: str | None = None
    environment: str | None = None
    elsewhere: bool = False
    busy: int = 0

    def applied(self, request: Request, elsewhere: Path) -> Request:
        """The request with this change made. `elsewhere`: the other working folder."""
        mine = {controls.name_of(identity) for identity in self.controls}
        kept = [identity for identity in request.controls if controls.name_of(identity) not in mine]
        return replace(
            request,
            controls=[*kept, *self.controls],
            variables={**request.variables, **self.variables},
            python=self.python or request.python,
            environment=self.environment or (None if self.python else request.environment),
            directory=elsewhere if self.elsewhere else request.directory,
        )


class Factor:
    """A factor of the machine. The first line of a subclass' docstring says what it is.

    id           as in --factor, and in what a trial says is in force
    held         the value at which the base setup holds it, while others are varied and at first
    takes        the values it takes, in words
    control      the control that brings it about, where one does: it is not held where the user holds that
    unchanged    what else to say where a value was in force for the base too
    unread       why a trial cannot say what is in force, where that is so
    is_cheap     whether it is varied where no factor is named
    moves_memory whether its values may move, beside what they are for, where a process has its memory: by the length
                 of its variables (some name the record), by what is loaded and allocated at its start
    """

    id = ""
    held = OWN
    takes = ""
    control = ""
    unchanged = ""
    unread = ""
    is_cheap = True
    moves_memory = True

    def does(self) -> str:
        """What it is, in one sentence."""
        return (self.__doc__ or "").strip().splitlines()[0]

    def varied(self, machine: Machine) -> list[str]:
        """The values that are tried beside the held one where none are named; empty where there is none here."""
        raise NotImplementedError

    def why_not(self, value: str, machine: Machine) -> str:
        """Why this machine cannot have a value, as a sentence without its end; empty where it can."""
        raise NotImplementedError

    def change(self, value: str, machine: Machine) -> Change:
        """How a value comes about; `own` is no change at all."""
        raise NotImplementedError

    def why_none(self, machine: Machine) -> str:
        """Why nothing can be varied here where `varied` is empty."""
        return f"this machine has only the value {self.held}"

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """What the trials of a value say was in force, as words that differ where the effect does; None: not told."""
        processes = [process for trial in trials for process in trial.observed or trial.processes]
        facts = [event["facts"] for process in processes for event in _told(process.events)]
        return next((str(fact[self.id]) for fact in facts if self.id in fact), None)

    def why_no_effect(self) -> str:
        """Why a trial says nothing of this factor."""
        return self.unread or "the trials say nothing of it"


class ControlFactor(Factor):
    """The factor whose values are those of a control."""

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
            said = why.message.rstrip(".")
            return f"{said[:1].lower()}{said[1:]}"
        return str(self._control.lacks(value, machine))

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return self._control.not_here or super().why_none(machine)

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        held = self._control.at_own(machine) if value == OWN else value
        return Change() if held is None else Change(controls=(f"{self.control}={held}",))


def _told(events: Sequence[Mapping[str, object]]) -> list[Mapping[str, dict[str, object]]]:
    """Events of the probe that say what is in force (see samebits_probe.wire)."""
    return [e for e in events if e.get("event") == "in-force" and isinstance(e.get("facts"), dict)]  # type: ignore[misc]
