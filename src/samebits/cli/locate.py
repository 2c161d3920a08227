"""`samebits locate`: narrow a divergence from the step to the operator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching

if TYPE_CHECKING:
    from samebits.model import Result
    from samebits.store.record import Record

TEXT = """Narrow down where trials diverge: step, phase, module, operator.

`samebits locate RECORD` takes the record of a check. With a command it is checked first.

As many trials as the record has run again, up to the step in which they diverged. samebits looks at the modules of that
step, then at its operators. A RECORD says what is run, so the options of a check do nothing for it.

Exit status: 1 if they diverge, 0 if there is nothing to locate, 3 if they did not diverge again or the record has no
answer, 2 wrong use or an error."""


def run(**given: Any) -> int:
    """Open or check, look, answer."""
    requests.refuse_platform()
    targets = {name: given[name] for name in ("json", "html")}
    answers.check_targets(targets)
    record, result = _located(given)
    if result.verdict != "diverged":
        _say_nothing_to_locate(result)
        return answers.answer(result, targets, record)
    from samebits.model import EXIT_CODES

    status = answers.answer(result, targets, record)
    return status if result.location is not None and result.location.found else EXIT_CODES["inconclusive"]


def _located(given: dict[str, Any]) -> tuple[Record, Result]:
    words = given["command"]
    request = None if requests.names_a_record(words) else requests.request(given, "locate")
    from samebits import localization

    with answers.shown_progress() as progress:
        if request is None:
            return localization.run_record(Path(words[0]), progress, run=given["run"])
        return localization.run(request, progress)


def _say_nothing_to_locate(result: Result) -> None:
    if result.verdict == "repeated":
        trials = sum(len(group) for group in result.groups)
        answers.say(f"Nothing to locate: repeated in {trials} of {trials} trials.\n", sys.stderr)
        return
    answers.say("Nothing to locate: the record has no answer.\n", sys.stderr)


COMMAND = launching("locate", run, "At which module and operator do trials diverge?\n\n" + TEXT)
