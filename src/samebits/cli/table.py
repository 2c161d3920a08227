"""Lists the commands. Nothing heavy is imported here, so that help comes at once.

Clients of samebits add commands through entry points of the group `samebits.commands`. Each entry point names a
click.Command: https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samebits import __version__, interrupt
from samebits.cli import answers, clients
from samebits.cli.audit import AUDIT
from samebits.cli.bisection import BISECT
from samebits.cli.checks import CHECK, COMPARE, RECORD, REPORT
from samebits.cli.doctor import DOCTOR, SELFTEST
from samebits.cli.inquiries import EXPLAIN, FIX, LOCATE, OPS, VARY, WHY
from samebits.cli.metrics import NOISE, VERSUS
from samebits.cli.old_records import CLEAN
from samebits.cli.statements import VERIFY
from samebits.cli.supplies import DATA, ENV, LIST, SCHEMA, SLURM
from samebits.errors import UsageError
from samebits.names import python_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# these commands start no programs except trials
OF_TRIALS = (CHECK, WHY, RECORD, REPORT, COMPARE, EXPLAIN, LOCATE, OPS, VARY, NOISE, VERSUS, AUDIT)
COMMANDS = (
    CHECK, WHY, RECORD, REPORT, COMPARE, EXPLAIN, FIX, LOCATE, OPS, VARY, NOISE, VERSUS, AUDIT, BISECT, VERIFY, SLURM,
    LIST, CLEAN, DOCTOR, SELFTEST, SCHEMA, ENV, DATA,
)  # fmt: skip


_RECORD, _APART = "record.json", ".samebits/apart"


class Commands(click.Group):
    """The commands of samebits, then those of its clients. The code of a client is imported when it is needed."""

    @cached_property
    def plugged(self) -> dict[str, EntryPoint]:
        """The clients' commands: name -> entry point. A client cannot replace a command of samebits."""
        return {point.name: point for point in clients.entry_points() if point.name not in self.commands}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. If its name is missing before a training, say how to check that."""
        if args[0].endswith(".py") or python_name(args[0]):
            dashes = "" if args[0].endswith(".py") else "-- "
            raise UsageError("The name of the command is missing.", f"samebits check {dashes}{shlex.join(args)}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *sorted(self.plugged)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = self.commands.get(cmd_name)
        return _loaded(self.plugged[cmd_name]) if own is None and cmd_name in self.plugged else own


def _loaded(point: EntryPoint) -> click.Command:
    """Load the command of a client. If that fails, return a command that says why, so that all others still work."""
    try:
        command = point.load()
        if not isinstance(command, click.Command):
            raise TypeError(f"{point.value} is not a click.Command")
    except Exception as why:
        what = f"The command {point.name} of {point.value} cannot be imported: {type(why).__name__}: {why}"

        def refuse(**_: object) -> int:
            raise UsageError(what, "pip check")

        anything = {"ignore_unknown_options": True, "allow_extra_args": True}
        return click.Command(point.name, callback=refuse, help=what, context_settings=anything)
    return command


samebits = Commands(
    "samebits",
    commands=list(COMMANDS),
    help="Does a training repeat, bit for bit? Put `samebits check --` in front of its command:\n\n"
    "\b\nsamebits check -- python train.py    does it repeat?\nsamebits why -- python train.py      if not: why, and "
    "which patch helps?\nsamebits locate                      at which layer and operator?",
    epilog="Exit status: 0 repeated (or done), 1 diverged, 2 wrong use or an error, 3 inconclusive.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
samebits = click.version_option(__version__, prog_name="samebits", message="%(prog)s %(version)s")(samebits)


def _put_back_files(words: Sequence[str]) -> None:
    """Put back the files that a killed samebits had set aside, in this folder or in the folder of a record."""
    with suppress(OSError, ValueError):
        records = [Path(word, _RECORD) for word in words if os.path.isfile(f"{word}/{_RECORD}")]  # noqa: PTH113
        places = {Path.cwd(), *map(Path, filter(None, map(_directory, records)))}
        for sentence in filter(None, map(_recovered, places)):
            click.echo(f"samebits: {sentence}", err=True)


def _directory(record: Path) -> str:
    """Return the working folder that a record names; "" for a broken record. Its message comes later."""
    try:
        content = json.loads(record.read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    name = content.get("directory") if isinstance(content, dict) else None
    return name if isinstance(name, str) else ""


def _recovered(folder: Path) -> str:
    if not os.path.lexists(folder / _APART):
        return ""
    from samebits.launch.files.working_folder import recovered  # here, because it is almost never needed

    return recovered(folder)


def run(words: Sequence[str]) -> int:
    """Run a command, and return its exit status. An error or a signal that ends the command is raised."""
    answers.refuse_unreadable(words)
    _put_back_files(words)
    starts_programs = bool(words) and words[0] not in {command.name for command in OF_TRIALS}
    with interrupt.raised() if starts_programs else nullcontext():
        status = samebits.main(list(words), prog_name="samebits", standalone_mode=False)
    return status if isinstance(status, int) else 0
