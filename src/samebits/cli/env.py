"""`samebits env`: the environments that can be built, and the interpreters that are there."""

from __future__ import annotations

import click

from samebits.cli import answers
from samebits.cli.parser import Reads
from samebits.options import read_text

TEXT = "List environments, or build one from its lock file."


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


COMMAND = click.Group(
    "env",
    help=TEXT,
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
