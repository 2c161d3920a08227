"""Runs `samebits check`. The import of click would delay its first trial, so this module does without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.errors import UsageError
from samebits.options import REPORTS

if TYPE_CHECKING:
    from samebits.checks import Check

__all__ = ["EXCLUDED", "run_check"]

# options that exclude --add
EXCLUDED = {"command": "a command", "against": "--against", "out": "--out", "overwrite": "--overwrite"}


def run_check(**given: Any) -> int:
    """Check a training, and answer."""
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
                f"--add and {flag} exclude each other: the record says what to run, and takes the new trials.",
                f"samebits check --add {number} {record}",
            )
    from samebits import checks

    with answers.shown_progress() as progress:
        addition = checks.Addition(number, run=given["run"], strict=given["strict"], ignores=given["ignores"])
        return checks.run_more(Path(record), addition, progress)
