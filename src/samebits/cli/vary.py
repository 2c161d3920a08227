"""`samebits vary`: hold the setup, vary one factor of the machine at a time, and say on which the bits depend."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching
from samebits.errors import UsageError

if TYPE_CHECKING:
    from samebits.experiment import Progress
    from samebits.vary.result import VaryResult

TEXT = """Hold the setup, vary one factor of the machine at a time, and say on which factors the trained bits depend.

`--factor threads=1,2` names the values, the base value first. `--factor threads` uses the factor's own values.
Without --factor, samebits varies all that this machine can vary. `--factor isa` stands for the instruction sets of each
library.

The trials of each value are compared with each other first, so that noise is not taken for dependence.

Exit status: 0 the bits depend on nothing that was varied, 1 on something, 2 wrong use or an error, 3 no answer."""


def run(**given: Any) -> int:
    """Ask, run, answer."""
    requests.refuse_platform()
    targets = {name: given[name] for name in ("json", "md", "html")}
    answers.check_targets(targets)
    if requests.names_a_record(given["command"]):
        _refuse_record(Path(given["command"][0]))
    request = requests.request(given, "vary")
    from samebits.vary import vary

    return _answer(vary(request, list(given["factors"]), _shown), targets)


def _refuse_record(folder: Path) -> None:
    """UsageError for a record in the place of a command: it is shown by another one, and none is varied."""
    from samebits.launch.folders import is_record

    if is_record(folder):
        shown = f"samebits report {shlex.quote(str(folder))}   (shows what it holds)"
        raise UsageError(f"{folder} is a record, and vary takes a command.", shown)


def again(folder: Path, targets: answers.Targets) -> int:
    """Show what an earlier vary found."""
    from samebits.vary import read

    return _answer(read(folder), targets)


def _answer(result: VaryResult, targets: answers.Targets) -> int:
    from samebits.vary.report import report

    return answers.present(report(result), targets)


@contextmanager
def _shown(title: str) -> Iterator[Progress]:
    """The progress of one setup's trials, under its name."""
    answers.say(f"samebits: {title}\n", sys.stderr)
    with answers.shown_progress() as progress:
        yield progress


COMMAND = launching("vary", run, "On which factors of the machine do the trained bits depend?\n\n" + TEXT)
