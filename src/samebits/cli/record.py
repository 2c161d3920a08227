"""`samebits record`: run a training once and keep what was observed, without a verdict."""

from __future__ import annotations

from typing import Any

from samebits.cli import answering, asking
from samebits.cli.parsing import launching

TEXT = """Run a training command once and keep its record, without a verdict.

A later `samebits check --against RECORD` or `samebits check --add N RECORD` compares with it."""


def run(**given: Any) -> int:
    """Run once, and say where the record is."""
    asking.refuse_platform()
    request = asking.request(given, "record")
    from samebits import check

    with asking.shown_progress() as progress:
        folder = check.record(request, progress)
    answering.say(f"Recorded in {folder}\n   next   samebits check --add 4 {folder}\n")
    return 0


COMMAND = launching("record", run, TEXT)
