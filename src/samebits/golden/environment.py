"""The environment of a trial: the facts of its machine that can change bits, and the versions of its libraries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from samebits.comparison.verdict.setup import machine_facts, packages
from samebits.store.trace import TrialTrace
from samebits.words import one_line

__all__ = ["Environment", "environment_of"]

_OF_MACHINE = ("architecture", "processor", "gpus")
_OF_SYSTEM = ("libc", "driver")  # versions that no package has
_IN_FORCE = "isa-"  # settings in force that choose the code of an operator begin with this
_COUNT = re.compile(r" (\d+)(?:,|$)")


class Environment(NamedTuple):
    """`machine`: processor, instruction sets, GPU, threads. `versions`: of Python, of system libraries, of packages."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """A short name for a block, which differs for any two environments."""
        text = repr([sorted(self.machine.items()), sorted(self.versions.items())])
        digest = hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
        return f"{self.machine.get('architecture', 'machine')}-{digest}"

    def machine_differences(self, now: Environment) -> list[str]:
        """Return a text for each fact of the machine that both know and that differs."""
        return _differences(self.machine, now.machine)

    def version_differences(self, now: Environment) -> list[str]:
        """Return a text for each library that both have, in different versions."""
        return _differences(self.versions, now.versions)


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """A library that only one of the two has imported is left out: a change of the program can import it."""
    both = sorted(set(old) & set(new))
    return [f"{name} was {old[name]}, is {new[name]}" for name in both if old[name] != new[name]]


def environment_of(trial: TrialTrace) -> Environment:
    """Return the environment as the launcher and the processes of a trial saw it."""
    facts = machine_facts(trial)
    machine = {name: one_line(facts.get(name) or "none") for name in _OF_MACHINE}
    flags = facts.get("instructions", "")
    machine["instructions"] = hashlib.blake2b(flags.encode(), digest_size=8).hexdigest()
    settings = {str(k): str(v) for process in trial.observed for k, v in _in_force(process.events_named("in-force"))}
    machine["threads"] = _threads(settings.get("threads", ""), facts.get("cores", ""))
    machine.update({name: one_line(value) for name, value in settings.items() if name.startswith(_IN_FORCE)})
    pythons = {str(process.facts["python"]) for process in trial.observed if process.facts.get("python")}
    versions = {name: facts[name] for name in _OF_SYSTEM if facts.get(name)}
    versions.update({"python": ", ".join(sorted(pythons))} if pythons else {})
    versions.update(packages(trial))
    return Environment(machine, {name: one_line(version) for name, version in versions.items()})


def _in_force(events: list[dict[str, object]]) -> list[tuple[object, object]]:
    tables = [event.get("facts") for event in events]
    return [item for table in tables if isinstance(table, dict) for item in table.items()]


def _threads(setting: str, cores: str) -> str:
    """Return the numbers of threads of the libraries, without the libraries' own names, which have versions in them."""
    numbers = sorted(set(_COUNT.findall(setting)), key=int)
    return ", ".join(numbers) or cores
