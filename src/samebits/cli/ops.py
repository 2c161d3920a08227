"""`samebits ops`: run each operator of a training step again on the same inputs, and compare bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching

if TYPE_CHECKING:
    from samebits.ops import ReplayResult

TEXT = """Run a training with PyTorch up to the end of a step. Each operator of the step, in forward, backward and
optimizer, is run several times more on the same inputs, and what it gives is compared bit for bit. The training itself
is not changed.

`samebits ops RECORD` shows what an earlier replay found.

Exit status: 0 all the same, 1 at least one operator differed, 2 wrong use or an error, 3 nothing was replayed."""


def run(**given: Any) -> int:
    """Ask, run or read, answer."""
    targets = {"json": given["json"]}
    answers.check_targets(targets)
    result = _read(given["command"]) or _replay(given)
    from samebits.ops.report import report

    return answers.present(report(result), targets)


def _read(words: tuple[str, ...]) -> ReplayResult | None:
    """What an earlier replay found, where its record is all that is named."""
    if not requests.names_a_record(words):
        return None
    from samebits.ops import read

    return read(Path(words[0]))


def _replay(given: dict[str, Any]) -> ReplayResult:
    requests.refuse_platform()
    request = requests.request(given, "ops")
    from samebits.ops import replay

    with answers.shown_progress() as progress:
        return replay(request, given["step"], given["repeats"], progress=progress)


COMMAND = launching("ops", run, "Which operators of a step differ when they are run again?\n\n" + TEXT)
