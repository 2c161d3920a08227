"""What this machine has to choose from: processors, instruction sets, locales, time zones, devices."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePath

from samebits.experiment import Request
from samebits.launch.environment import search_path, visible_gpus
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
