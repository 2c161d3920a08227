"""`samebits explain`: why trials diverge, by trials with and without the controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching

if TYPE_CHECKING:
    from samebits.checks import Check

TEXT = """Find out why trials diverge: the smallest set of controls with which they repeat, and what it costs.

`samebits explain RECORD` takes command, folder, options and controls from the record of a check. With a command, it is
checked first, and -n is the number of trials of that check.

samebits holds controls and leaves them out until it finds a set that is needed and enough. So many trials must agree
with this set that a control without effect passes in fewer than 1 of 100 searches.

Exit status: 1 if the trials diverge (whether or not a cause is found), 0 if there is nothing to explain, 3 if they give
no answer, 2 wrong use or an error."""


def run(**given: Any) -> int:
    """Check or open, search, answer."""
    requests.refuse_platform()
    targets = {name: given[name] for name in ("json", "html", "md")}
    answers.check_targets(targets)
    ended = _explained(given)
    return answers.answer(ended.result, targets, ended.experiment.record)


def _explained(given: dict[str, Any]) -> Check:
    words = given["command"]
    request = None if requests.names_a_record(words) else requests.request(given, "explain")
    from samebits.causes import inquiry

    with answers.shown_progress() as progress:
        if request is None:
            return inquiry.run_record(Path(words[0]), progress, run=given["run"])
        return inquiry.run(request, progress)


COMMAND = launching("explain", run, "Why do trials diverge, and what is the cheapest control?\n\n" + TEXT)
