"""`samebits compare`: judge the trials of two records as those of one."""

from __future__ import annotations

import click

from samebits.cli import answers
from samebits.cli.parser import plain
from samebits.options import OPTIONS

TEXT = """Judge two records as one.

Notes say how their setups differ.

The trials of the second record get the numbers after those of the first.

Exit status: that of the verdict, as `samebits check` has it."""


def run(first: str, second: str, **targets: str | None) -> int:
    """Open both, judge them as one, answer."""
    answers.check_targets(targets)
    from samebits.kept_record import compared

    joined, result = compared(first, second)
    return answers.answer(result, targets, joined)


COMMAND = plain(
    "compare",
    run,
    TEXT,
    OPTIONS["compare"],
    [click.Argument(["first"], metavar="RECORD"), click.Argument(["second"], metavar="RECORD")],
)
