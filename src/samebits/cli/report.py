"""`samebits report`: make the reports again from a record."""

from __future__ import annotations

from pathlib import Path

import click

from samebits.cli import answers, vary
from samebits.cli.parser import plain
from samebits.options import OPTIONS

TEXT = """Show a record again, in any form.

samebits judges the record again; options write the report to files too. It also shows the folder of a `samebits vary`.

Exit status: that of the verdict, as `samebits check` has it."""


def run(record: str, **targets: str | None) -> int:
    """Open, judge, answer."""
    answers.check_targets(targets)
    if (Path(record) / "vary.json").is_file():
        return vary.again(Path(record), targets)
    from samebits.kept_record import judged
    from samebits.store.record import open_record

    opened = open_record(record)
    return answers.answer(judged(opened), targets, opened)


COMMAND = plain("report", run, TEXT, OPTIONS["report"], [click.Argument(["record"], metavar="RECORD")])
