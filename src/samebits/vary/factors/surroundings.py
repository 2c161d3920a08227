"""Varies what surrounds a program.

That is its user's home and names, its language, time zone and working folder, other load, its interpreter and its
libraries, and the node of a cluster.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from samebits.environments import RECIPES, find_python
from samebits.errors import SamebitsError
from samebits.launch import hosts
from samebits.store import TrialTrace
from samebits.vary.factor import OWN, Change, Factor, Machine, has_time_zone
from samebits_probe.controls.control import whole_number

OTHER_HOME = "/nonexistent"  # Debian gives it to users without a home: nothing can be read from it or written to it
OTHER_USER = "someone-else"
MOST_BUSY = 256
# POSIX: a name, hours west of Greenwich, and the name of a summer time
_POSIX_ZONE = re.compile(r"[A-Za-z]{3,}[+-]?\d{1,2}(:\d{2}){0,2}([A-Za-z]{3,}([+-]?\d{1,2})?)?(,.*)?")


class Home(Factor):
    """The home and the name of the user: HOME, USER, LOGNAME."""

    id = "home"
    takes = "own, other (a home that does not exist, a different name), or a folder"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["other"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        if value in (OWN, "other"):
            return ""
        return "" if os.path.isdir(value) else f"there is no folder {value}"  # noqa: PTH112  (a text with ~ stays one)

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        if value == OWN:
            return Change()
        home = OTHER_HOME if value == "other" else value
        return Change(variables={"HOME": home, "USER": OTHER_USER, "LOGNAME": OTHER_USER})


class Locale(Factor):
    """Language and character set: LC_ALL and LANG."""

    id = "locale"
    takes = "own, or names that `locale -a` lists"

    def varied(self, machine: Machine) -> list[str]:
        """Return a different language if the system has one, else a C locale; with UTF-8 if possible."""
        own = _plain(os.environ.get("LC_ALL") or os.environ.get("LANG") or "C")
        others = [name for name in machine.locales if _plain(name) not in (own, "POSIX")]
        return sorted(others, key=lambda name: (_plain(name).startswith("C"), "utf" not in _plain(name), name))[:1]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        names = {_plain(name) for name in machine.locales}
        return "" if value == OWN or _plain(value) in names else f"`locale -a` does not list {value}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(variables={"LC_ALL": value, "LANG": value})


def _plain(name: str) -> str:
    """Return a locale as the C library reads it: case and dashes of the character set do not count."""
    language, dot, characters = name.partition(".")
    return language + dot + characters.lower().replace("-", "")


class TimeZone(Factor):
    """The time zone of the program: TZ."""

    id = "time-zone"
    takes = "own, names of time zones, or POSIX notation (XYZ-14)"

    def varied(self, machine: Machine) -> list[str]:
        """Return a time zone as far from Greenwich as possible, so that the date differs too."""
        return ["XYZ-14"] if os.environ.get("TZ") != "XYZ-14" else ["XYZ+12"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        is_known = value == OWN or _POSIX_ZONE.fullmatch(value) or has_time_zone(value)
        return "" if is_known else f"the system knows no time zone {value}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(variables={"TZ": value})


class WorkingFolder(Factor):
    """The working folder of the program: the user's own, or a different one with links to all its files."""

    id = "working-folder"
    takes = "own, elsewhere"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["elsewhere"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        return "" if value in (OWN, "elsewhere") else f"it takes {self.takes}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change(elsewhere=value == "elsewhere")


class CpuLoad(Factor):
    """The number of other processes that compute during the training."""

    id = "cpu-load"
    takes = "own (none), or numbers of busy processes"

    def varied(self, machine: Machine) -> list[str]:
        """Return one process for each processor."""
        return [str(machine.cores)]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        fits = value == OWN or 1 <= whole_number(value) <= MOST_BUSY
        return "" if fits else f"it takes own, or a number of processes from 1 to {MOST_BUSY}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change(busy=0 if value == OWN else int(value))

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return how many processes are busy. samebits starts them, so no trial has to report it."""
        return "no other busy processes" if value == OWN else f"other busy processes: {value}"


class Stack(Factor):
    """An interpreter with its packages."""

    is_cheap = False  # only the user knows which to compare
    unchanged = " (only the word `python` in the command can stand for a different one)"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return []

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return f"name its values: --factor {self.id}={self.takes.partition(' (')[0]}"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        try:
            _python(value)
        except SamebitsError as why:
            return why.message.rstrip(".")
        return ""

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        environment = value if value in RECIPES else None
        return Change() if value == OWN else Change(python=_python(value), environment=environment)


def _python(value: str) -> str | None:
    """Return the interpreter of a value: that of an environment, or one that is named as --python does."""
    if value == OWN:
        return None
    path = os.environ.get("PATH", os.defpath)
    interpreter = find_python(None, value, path) if value in RECIPES else find_python(value, None, path)
    return str(interpreter.path)


class LibraryVersion(Stack):
    """The versions of the libraries: each value is an environment or an interpreter."""

    id = "library-version"
    takes = "NAME,NAME (environments of `samebits env list`, or interpreters as --python names them)"

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return the versions that the trials imported."""
        packages = next((trial.file.packages for trial in trials if trial.file.packages), {})
        return ", ".join(f"{name} {version}" for name, version in sorted(packages.items())) or None

    def why_no_effect(self) -> str:
        """See Factor."""
        return "no package that says its version was imported"


class InterpreterFactor(Stack):
    """The Python that runs the program."""

    id = "interpreter"
    takes = "PYTHON,PYTHON (interpreters as --python names them)"


class Node(Factor):
    """The node on which the trials run (--on ray or --on slurm)."""

    id = "node"
    takes = "names of nodes of the cluster that --on names"
    is_cheap = False  # a cluster may have hundreds
    moves_memory = False
    compares_machines = True

    def base(self, machine: Machine) -> str:
        """Return the first node, because the base setup needs a node too."""
        return next(iter(_names(machine)), OWN)

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return _names(machine)[1:]

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return "trials run on one machine" if len(_names(machine)) < 2 else "name it: --factor node"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        nodes = [OWN, *_names(machine)]
        if value in nodes:
            return ""
        return f"the nodes are {', '.join(nodes[1:])}" if nodes[1:] else "trials run on this machine"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(node=value)

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """Return the node that the trials themselves name."""
        return next((str(trial.file.machine["node"]) for trial in trials if "node" in trial.file.machine), None)


def _names(machine: Machine) -> list[str]:
    return hosts.connect(machine.request.host, machine.request.each).nodes()
