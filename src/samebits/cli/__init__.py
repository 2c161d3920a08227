"""The command line: a table of contents. Nothing heavy is imported here, so that help comes at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from samebits import __version__
from samebits.cli import failing
from samebits.cli.check import COMMAND as CHECK
from samebits.cli.compare import COMMAND as COMPARE
from samebits.cli.data import COMMAND as DATA
from samebits.cli.env import COMMAND as ENV
from samebits.cli.explain import COMMAND as EXPLAIN
from samebits.cli.locate import COMMAND as LOCATE
from samebits.cli.ops import COMMAND as OPS
from samebits.cli.parity import COMMAND as PARITY
from samebits.cli.record import COMMAND as RECORD
from samebits.cli.report import COMMAND as REPORT
from samebits.cli.study import COMMAND as STUDY
from samebits.cli.vary import COMMAND as VARY

COMMANDS = (CHECK, RECORD, REPORT, COMPARE, EXPLAIN, LOCATE, OPS, VARY, PARITY, STUDY, ENV, DATA)

samebits = click.Group(
    "samebits",
    commands=list(COMMANDS),
    help="Does a training repeat, bit for bit? Put `samebits check --` in front of its command.",
    epilog="Exit status: 0 repeated (or done), 1 diverged, 2 wrong use or an error, 3 inconclusive.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
samebits = click.version_option(__version__, prog_name="samebits", message="%(prog)s %(version)s")(samebits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; never raises, never shows a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        failing.refuse_unreadable(words)
        with failing.sigterm_raises():
            status = samebits.main(words, prog_name="samebits", standalone_mode=False)
    except BaseException as why:
        return failing.answer(why)
    return status if isinstance(status, int) else 0
