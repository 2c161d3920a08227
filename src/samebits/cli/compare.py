"""`samebits compare`: judge the trials of two records as those of one."""

from __future__ import annotations

import click

from samebits.cli import answers
from samebits.cli.parser import plain
from samebits.errors import UsageError
from samebits.options import OPTIONS

TEXT = """Judge two records as one.

Notes say how their setups differ.

The trials of the second record get the numbers after those of the first.

Exit status: that of the verdict, as `samebits check` has it."""


def run(first: str, second: str, **targets: str | None) -> int:
    """Open both, judge them as one, answer."""
    answers.check_targets(targets)
    from samebits.comparison.merge import judged_together
    from samebits.store.record import open_record

    records = open_record(first), open_record(second)
    if records[0].folder.resolve() == records[1].folder.resolve():
        raise UsageError(f"{first} is named twice: a record always equals itself.", "name two records.")
    joined, result = judged_together(*records)
    return answers.answer(result, targets, joined)


COMMAND = plain(
    "compare",
    run,
    TEXT,
    OPTIONS["compare"],
    [click.Argument(["first"], metavar="RECORD"), click.Argument(["second"], metavar="RECORD")],
)
