"""What is recorded about a trial in addition to its trace: code, packages, machine, the numbers that it printed."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from samebits.controls import name_of
from samebits.launch.processes import observations
from samebits.launch.processes.observations import WatchedProcess, named_events, noted_values
from samebits_probe import process
from samebits_probe.controls import find

_GIT_SECONDS = 10
_MOST_BYTES = 10 << 20
CLOCK_RATE = "clock-rate"  # the control
MOST_HANDED = 10_000  # texts of a trial


class ProcessFiles(NamedTuple):
    """What the probe of one process saw, each with its time (epoch).

    Files that the process read and had not written, files that it wrote, and folders that it made.
    """

    opened: Mapping[Path, float]
    wrote: Mapping[Path, float]
    made: Mapping[Path, float] = MappingProxyType({})


@dataclass
class StartFacts:
    """The facts about a trial that are known when it starts."""

    started: str
    began: float
    began_at: float = field(default_factory=time.time)
    environment: dict[str, str] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)


def of_trial(roots: Sequence[tuple[Path, str]], folder: Path, began: StartFacts) -> dict[str, Any]:
    """Return what only one trial has, as fields of FilesFile: folders (relative paths, too), host, time, processes."""
    names = [(str(root), name or ".") for root, name in roots]
    names += [(name.replace("{trial}", folder.name), name) for _, name in roots if "{trial}" in name]
    names += [(str(folder), "{trial-folder}"), (os.uname().nodename, "<host>")]
    longest_first = sorted((name for name in names if len(name[0]) > 3), key=lambda name: -len(name[0]))
    processes = observations.Processes(folder)
    pids = sorted(processes.pids() | processes.forks())
    spans = {"span": [began.began_at, time.time()], "uptime": [began.began, time.monotonic()]}
    return {"own": dict(longest_first), "pids": pids, **spans}


def code(directory: Path, command: Sequence[str]) -> dict[str, Any]:
    """`commit`, `dirty` (tracked files changed) and the fingerprint of the change, if the folder is in a git
    repository; `files`: fingerprints of the scripts that the command names.
    """
    facts: dict[str, Any] = {"files": _scripts(directory, command)}
    commit = _git(directory, "rev-parse", "HEAD")
    if commit is not None:
        change = _git(directory, "diff", "HEAD", "--no-color", "--no-ext-diff") or ""
        facts |= {"commit": commit.strip(), "dirty": bool(change), "diff": _digest(change.encode()) if change else None}
    return facts


def _scripts(directory: Path, command: Sequence[str]) -> dict[str, str]:
    digests = {}
    for word in (*command, *_modules(command)):
        path = directory / word
        try:
            if word and path.is_file() and path.stat().st_size <= _MOST_BYTES:
                digests[word] = _digest(path.read_bytes())
        except (OSError, ValueError):
            continue
    return digests


def _modules(command: Sequence[str]) -> Iterator[str]:
    """Yield the files that `python -m NAME` runs if the module or the package lies in the folder."""
    for option, name in itertools.pairwise(command):
        if option == "-m":
            path = name.replace(".", "/")
            yield from (f"{path}.py", f"{path}/__main__.py")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _git(directory: Path, *words: str) -> str | None:
    """Return the output of git; None if there is no git, no repository, or no answer in time."""
    if not _may_be_in_repository(directory):
        return None
    command = ["git", "--no-optional-locks", "-C", str(directory), *words]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode(errors="replace") if answer.returncode == 0 else None


def _may_be_in_repository(directory: Path) -> bool:
    """Return whether git may find a repository: the folder, one above it, a bare one, or that of the variable GIT_DIR.

    So git is not started for each trial in vain. https://git-scm.com/docs/git#_environment_variables
    """
    folder = Path(os.path.realpath(directory))
    return "GIT_DIR" in os.environ or any(
        (place / name).exists() for place in (folder, *folder.parents) for name in (".git", "HEAD")
    )


def packages(processes: Iterable[WatchedProcess]) -> dict[str, str]:
    """Return the versions of the packages that the observing processes had imported."""
    versions: dict[str, str] = {}
    for event in named_events(processes, "packages"):
        versions |= {str(name): str(version) for name, version in dict(event.get("packages") or {}).items()}
    return dict(sorted(versions.items()))


def machine(processes: Iterable[WatchedProcess]) -> dict[str, Any]:
    """Return the machine as the first observing process saw it; if none observed, as the launcher sees it."""
    for event in named_events(processes, "machine"):
        return dict(event.get("machine") or {})
    return {**process.machine()}


def noted(processes: Sequence[WatchedProcess], environment: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return what the processes noted, as fields of TrialFile: ids and texts, ports, amounts of memory.

    At most MOST_HANDED texts, from the first processes. The port that the environment gives to the ranks is added.
    """
    texts = dict.fromkeys(map(str, noted_values(processes, "handed", "texts")))
    port = environment.get("MASTER_PORT", "")
    ports = {*map(int, noted_values(processes, "bound", "ports")), *([int(port)] if port.isdecimal() else [])}
    amounts = set(map(int, noted_values(processes, "amounts", "numbers")))
    return {"handed": sorted(itertools.islice(texts, MOST_HANDED)), "ports": sorted(ports), "amounts": sorted(amounts)}


def clock_rate(controls: Iterable[str]) -> float:
    """Return the rate of a trial's clock: 1, unless the control `clock-rate` is held."""
    return next((float(find(identity).value) for identity in controls if name_of(identity) == CLOCK_RATE), 1.0)


def started(processes: Iterable[WatchedProcess]) -> list[list[str]]:
    """Return the path and the arguments of each program that a watched process has started."""
    return [
        [str(event.get("path")), *map(str, event.get("argv") or [])]
        for event in named_events(processes, "started")
        if event.get("path")
    ]


def touched(processes: Iterable[WatchedProcess]) -> list[ProcessFiles]:
    """Return the files that each process opened, as far as the probe saw them."""
    return [_touched(observations.events(watched.folder)) for watched in processes]


def _touched(events: Iterable[dict[str, Any]]) -> ProcessFiles:
    times: dict[str, dict[Path, float]] = {name: {} for name in ProcessFiles._fields}
    for event in events:
        if event.get("event") in times and event.get("path"):
            path, at = Path(str(event["path"])), float(event.get("at") or 0)
            times[str(event["event"])].setdefault(path, at)
    return ProcessFiles(**times)


def is_fed_by_unwatched(touched: Sequence[ProcessFiles], written: Sequence[Path]) -> bool:
    """Return whether a watched process read a file of the trial that no watched process wrote."""
    unknown = set(written).difference(*(process.wrote for process in touched))
    return any(not unknown.isdisjoint(process.opened) for process in touched)


def metrics_printed(stdout: Path, patterns: Mapping[str, str]) -> dict[str, str]:
    """Return the last printed text of each metric: the pattern's first group, or the whole match."""
    if not patterns:
        return {}
    try:
        text = stdout.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    texts = {}
    for name, pattern in patterns.items():
        for match in re.finditer(pattern, text, re.MULTILINE):
            texts[name] = match.group(1 if match.re.groups else 0) or ""
    return {name: value for name, value in texts.items() if value}


def numbers(texts: Mapping[str, str]) -> dict[str, float]:
    """Return the metrics that are finite numbers.

    JSON has no other numbers, and the record keeps the printed text as well.
    """
    values = {}
    for name, text in texts.items():
        try:
            values[name] = float(text.replace(",", "") if "," in text and "." in text else text)
        except ValueError:
            continue
    return {name: value for name, value in values.items() if math.isfinite(value)}
