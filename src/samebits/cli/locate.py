"""`samebits locate`: narrow a divergence from the step to the operator."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from samebits.cli import answers, requests
from samebits.cli.parser import launching, names_a_record

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
    record, result = _recorded(given) if names_a_record(given["command"]) else _checked(given)
    if result.verdict != "diverged":
        _say_nothing_to_locate(result)
        return answers.answer(result, targets, record)
    from samebits.localization import locate
    from samebits.model import EXIT_CODES

    with requests.shown_progress() as progress:
        found = locate(record, result, progress)
    status = answers.answer(result.model_copy(update={"location": found}), targets, record)
    return status if found is not None and found.found else EXIT_CODES["inconclusive"]


def _recorded(given: dict[str, Any]) -> tuple[Record, Result]:
    from samebits.cli.kept_record import judged
    from samebits.launch import origin
    from samebits.store.record import open_record

    record = open_record(given["command"][0])
    result = judged(record)
    if result.verdict == "diverged":
        origin.require(record, run=given["run"])
    return record, result


def _checked(given: dict[str, Any]) -> tuple[Record, Result]:
    request = requests.request(given, "locate")
    from samebits import checks

    with requests.shown_progress() as progress:
        ended = checks.run(request, progress)
    return ended.experiment.record, ended.result


def _say_nothing_to_locate(result: Result) -> None:
    if result.verdict == "repeated":
        trials = sum(len(group) for group in result.groups)
        answers.say(f"Nothing to locate: repeated in {trials} of {trials} trials.\n", sys.stderr)
        return
    answers.say("Nothing to locate: the record has no answer.\n", sys.stderr)


COMMAND = launching("locate", run, "At which module and operator do trials diverge?\n\n" + TEXT)
