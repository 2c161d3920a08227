"""`samebits check`: run a training several times, and say whether it repeats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching
from samebits.errors import UsageError
from samebits.options import REPORTS

if TYPE_CHECKING:
    from samebits.checks import Check

TEXT = """Run a training command several times in fresh processes, and say whether the trained model comes out bit for
bit the same.

`samebits check train.py --lr 0.1` is short for `samebits check -- python train.py --lr 0.1`. In the command, {out} and
{trial} stand for the trial's own output folder and its number.

Exit status: 0 repeated, 1 diverged, 2 wrong use or an error, 3 inconclusive."""

# what cannot be said together with --add
EXCLUDED = {"command": "a command", "against": "--against", "out": "--out", "overwrite": "--overwrite"}


def run(**given: Any) -> int:
    """Ask, run, answer."""
    requests.refuse_platform()
    targets = {option.name: given[option.name] for option in REPORTS}
    answers.check_targets(targets)
    ended = _add(given) if given["add"] else _check(given)
    return answers.answer(ended.result, targets, ended.experiment.record)


def _check(given: dict[str, Any]) -> Check:
    request = requests.request(given, "check")
    from samebits import checks

    with answers.shown_progress() as progress:
        return checks.run(request, progress)


def _add(given: dict[str, Any]) -> Check:
    number, record = given["add"]
    for name, flag in EXCLUDED.items():
        if given[name]:
            raise UsageError(
                f"--add and {flag} exclude each other: the record says what is run, and holds the new trials.",
                f"samebits check --add {number} {record}",
            )
    from samebits import checks

    with answers.shown_progress() as progress:
        addition = checks.Addition(number, run=given["run"], strict=given["strict"], ignores=given["ignores"])
        return checks.run_more(Path(record), addition, progress)


COMMAND = launching("check", run, "Does this training repeat, bit for bit?\n\n" + TEXT)
