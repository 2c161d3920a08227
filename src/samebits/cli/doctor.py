"""Runs `samebits doctor` (what works on this machine, and what to install?) and `samebits selftest`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from samebits import __version__, requests, words
from samebits.cli import answers
from samebits.cli.parser import Reads, plain
from samebits.errors import SamebitsError, UsageError
from samebits.options import OPTIONS, read_text

if TYPE_CHECKING:
    from samebits.doctor.documents import DoctorResult, TriedLibrary

__all__ = ["DOCTOR", "SELFTEST"]

DOCTOR_TEXT = """Try what works on this machine, and say what to install.

samebits runs one short trial for each library that it watches and that is installed. The trial imports the library,
holds the controls that act on it, and reads them back. So a control counts only if it took effect here. --python or
--env names the Python of your trainings.

Exit status: 0 trials work here, 2 they do not."""

_COMPLETION = 'eval "$(_SAMEBITS_COMPLETE={}_source samebits)"'
_COMPLETIONS = {
    "bash": _COMPLETION.format("bash"),
    "zsh": _COMPLETION.format("zsh"),
    "fish": "_SAMEBITS_COMPLETE=fish_source samebits | source",
}


_USABLE = {"local": "trials run here", "ray": "installed", "slurm": "its programs are here"}


def run_doctor(python: str | None, environment: str | None, json: str | None) -> int:
    """Try each library, and show what was found as soon as it is known. `json`: the file for the document."""
    requests.refuse_platform()
    answers.check_targets({"json": json})
    from samebits import doctor, environments
    from samebits.doctor.documents import DoctorResult
    from samebits.reports.presenters import json_

    say = partial(_say, stream=sys.stderr if json == answers.SCREEN else sys.stdout)
    path = environments.find_python(python, environment, os.environ.get("PATH", os.defpath)).path
    installed = doctor.libraries(path)
    first = doctor.tried(doctor.PLAIN, path)
    if first.fault:
        raise SamebitsError(f"A trial does not work with {path}: {first.fault}", "name a different one: --python PATH.")
    say("trials", [f"work with {path}", *_controls(first)])
    say("", [f"GPU: {first.gpus}" if first.gpus else "no GPU: GPU kernels cannot be tested here"])
    tried = [_said_library(name, path, say) for name, is_there in installed.items() if is_there]
    result = DoctorResult(
        samebits=__version__,
        python=str(path),
        plain=first,
        libraries=tried,
        absent=[name for name, is_there in installed.items() if not is_there],
        unread=doctor.missing_readers(),
        hosts=doctor.hosts(),
        environments={recipe.name: environments.state(recipe) for recipe in environments.RECIPES.values()},
    )
    for label, lines in _surroundings(result):
        say(label, lines)
    if json:
        answers.write_text("json", json, json_.text_of(result))
    return 0


def _said_library(name: str, python: Path, say: Callable[[str, Iterable[str]], None]) -> TriedLibrary:
    """Try a library, say what was found, and return it."""
    from samebits import doctor

    library = doctor.tried(name, python)
    text = f"does not work: {library.fault}" if library.fault else library.version or "works"
    say(name, [text, *_controls(library)])
    return library


def _surroundings(result: DoctorResult) -> Iterator[tuple[str, list[str]]]:
    """Yield a label and its lines for everything else: absent libraries, files, hosts, environments, the shell."""
    yield "not here", [f"{', '.join(result.absent)}: install what your programs use"] if result.absent else []
    unread = [f"{', '.join(endings)} by bytes only: pip install {name}" for name, endings in result.unread.items()]
    yield "files", unread or ["every format can be read"]
    git = [] if shutil.which("git") else ["git is not installed: samebits bisect needs it"]
    yield "hosts", [*(f"{name}: {why or _USABLE[name]}" for name, why in result.hosts.items()), *git]
    advice = {"built": ""}
    states = result.environments.items()
    yield "envs", [f"{name}: {state}{advice.get(state, f' (samebits env create {name})')}" for name, state in states]
    shell = _COMPLETIONS.get(Path(os.environ.get("SHELL", "")).name)
    yield "shell", [f"completion: {shell}"] if shell else []


def _controls(library: TriedLibrary) -> Iterator[str]:
    """Yield which controls took effect, then each of the others, and why it did not."""
    held = [control.id for control in library.controls if control.effect == "held"]
    yield from [f"controls: {', '.join(held)}"] if held else []
    for other in (control for control in library.controls if control.effect != "held"):
        yield f"{'idle' if other.effect == 'idle' else 'not held'}: {other.id} ({other.why})"


def _say(label: str, lines: Iterable[str], stream: TextIO | None = None) -> None:
    texts = [words.one_line(line) for line in lines]
    answers.say("".join(f"{'' if number else label:<12} {line}\n" for number, line in enumerate(texts)), stream)


DOCTOR = plain("doctor", run_doctor, "What works here, and what to install?\n\n" + DOCTOR_TEXT, OPTIONS["doctor"])


SELFTEST_TEXT = """Plant known faults, and see whether samebits catches them on this machine.

FRAMEWORK is python, torch, keras or jax (default: all that are installed). samebits checks a small training with it, in
which the second trial has a fault: a flipped bit of a weight, two swapped samples, or a trial that is killed. It also
checks two trials without a fault, and a program without a step. The verdict and the step must be the right ones.

Exit status: 0 all were caught, 1 at least one was missed, 2 wrong use or an error."""


def run_selftest(frameworks: tuple[str, ...], python: str | None, environment: str | None) -> int:
    """Check each fault, and show the answer as soon as it is known."""
    requests.refuse_platform()
    from samebits import doctor, environments
    from samebits.doctor import selftest

    for name in frameworks:
        if name not in selftest.FRAMEWORKS:
            raise UsageError(f"There is no small training with {name!r}.", words.suggestion(name, selftest.FRAMEWORKS))
    path = environments.find_python(python, environment, os.environ.get("PATH", os.defpath)).path
    installed = {doctor.PLAIN: True, **doctor.libraries(path)}
    wanted = frameworks or tuple(name for name in selftest.FRAMEWORKS if installed.get(name))
    absent = [name for name in ("numpy", *wanted) if not installed.get(name)]
    if absent:
        advice = "install what is missing, or name a different Python: --python PATH."
        raise UsageError(f"{path} does not have {words.listed(absent)}, which the small trainings need.", advice)
    return max(_say_faults(name, path) for name in wanted)


def _say_faults(framework: str, python: Path) -> int:
    """Return 1 if a fault was missed, else 0."""
    from samebits.doctor import selftest

    missed = 0
    for number, test in enumerate(selftest.planted(framework, python)):
        missed += not test.is_caught
        mark = "caught" if test.is_caught else "MISSED"
        _say("" if number else framework, [f"{mark}  {test.fault.about}{f': {test.said}' if test.said else ''}"])
    return min(missed, 1)


SELFTEST = plain(
    "selftest",
    run_selftest,
    "Does samebits catch known faults here?\n\n" + SELFTEST_TEXT,
    OPTIONS["selftest"],
    [click.Argument(["frameworks"], nargs=-1, type=Reads(read_text, "framework"), metavar="[FRAMEWORK ...]")],
)
