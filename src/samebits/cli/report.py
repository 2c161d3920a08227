"""`samebits report`: make the reports again from a record."""

from __future__ import annotations

import click

from samebits.cli import answering
from samebits.cli.parsing import plain

TEXT = """Show a record again, in any form.

The record is judged anew; options write it to files too.

Exit status: that of the verdict, as `samebits check` has it."""


def run(record: str, **targets: str | None) -> int:
    """Open, judge, answer."""
    answering.check_targets(targets)
    from samebits.cli.judging import judged
    from samebits.store.record import open_record

    opened = open_record(record)
    return answering.answer(judged(opened), targets, opened)


COMMAND = plain("report", run, TEXT, [click.Argument(["record"], metavar="RECORD")])
