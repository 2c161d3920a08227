"""`samebits record`: run a training once and keep what was observed, without a verdict."""

from __future__ import annotations

import shlex
from typing import Any

from samebits import requests
from samebits.cli import answers
from samebits.cli.parser import launching
from samebits.words import one_line

TEXT = """Run a training command once and keep its record, without a verdict.

A later `samebits check --against RECORD` or `samebits check --add N RECORD` compares with it."""


def run(**given: Any) -> int:
    """Run once, and say where the record is."""
    requests.refuse_platform()
    request = requests.request(given, "record")
    from samebits import checks

    with answers.shown_progress() as progress:
        made = checks.record(request, progress)
    folder = one_line(shlex.quote(str(made.folder)))
    if made.exit_code:
        answers.say(one_line(f"Recorded in {folder}, but the run did not end well: {made.trial.why}") + "\n")
    else:
        answers.say(f"Recorded in {folder}\n   next   samebits check --add 4 {folder}\n")
    return made.exit_code


COMMAND = launching("record", run, "Run a training once, and keep what was observed.\n\n" + TEXT)
