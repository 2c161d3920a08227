"""Which interpreter runs the program, and with which libraries."""

from __future__ import annotations

import os
from collections.abc import Sequence

from samebits.environments import find_python
from samebits.environments.catalog import RECIPES
from samebits.errors import SamebitsError
from samebits.store import TrialTrace
from samebits.vary.factor import OWN, Change, Factor
from samebits.vary.machine import Machine


class Stack(Factor):
    """An interpreter with the packages beside it."""

    is_cheap = False  # which, only the user knows
    unchanged = " (the word `python` in the command is what can be another one)"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return []

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return f"say which: --factor {self.id}={self.takes.partition(' (')[0]}"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        try:
            _python(value)
        except SamebitsError as why:
            return why.message.rstrip(".")
        return ""

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        named = value if value in RECIPES else None
        return Change() if value == OWN else Change(python=_python(value), environment=named)


def _python(value: str) -> str | None:
    """The interpreter of a value: of an environment of ours, or named as --python does."""
    if value == OWN:
        return None
    path = os.environ.get("PATH", os.defpath)
    found = find_python(None, value, path) if value in RECIPES else find_python(value, None, path)
    return str(found.path)


class LibraryVersion(Stack):
    """Which versions of its libraries the program finds: an environment, or an interpreter, each."""

    id = "library-version"
    takes = "NAME,NAME (environments of `samebits env list`, or interpreters as --python names them)"

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """The versions that the trials imported."""
        packages = next((trial.file.packages for trial in trials if trial.file.packages), {})
        return ", ".join(f"{name} {version}" for name, version in sorted(packages.items())) or None

    def why_no_effect(self) -> str:
        """See Factor."""
        return "no package that says its version was imported"


class InterpreterFactor(Stack):
    """Which Python runs the program."""

    id = "interpreter"
    takes = "PYTHON,PYTHON (interpreters as --python names them)"
