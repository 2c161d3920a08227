"""The commands: a table of contents. Nothing heavy is imported here, so that help comes at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import click

from samebits import __version__, interrupt
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

_STARTING = ("env", "data", "parity", "study")  # commands that start programs other than trials
COMMANDS = (CHECK, RECORD, REPORT, COMPARE, EXPLAIN, LOCATE, OPS, VARY, PARITY, STUDY, ENV, DATA)

samebits = click.Group(
    "samebits",
    commands=list(COMMANDS),
    help="Does a training repeat, bit for bit? Put `samebits check --` in front of its command.",
    epilog="Exit status: 0 repeated (or done), 1 diverged, 2 wrong use or an error, 3 inconclusive.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
samebits = click.version_option(__version__, prog_name="samebits", message="%(prog)s %(version)s")(samebits)


def run(words: Sequence[str]) -> int:
    """Run a command and return its exit status. Raises whatever ends it early."""
    failing.refuse_unreadable(words)
    starts_programs = words[:1] and words[0] in _STARTING
    with interrupt.raised() if starts_programs else nullcontext():
        status = samebits.main(list(words), prog_name="samebits", standalone_mode=False)
    return status if isinstance(status, int) else 0
