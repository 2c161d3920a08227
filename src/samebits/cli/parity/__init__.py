"""`samebits parity`: what differs between libraries that are said to do the same."""

from __future__ import annotations

import click

from samebits.cli.parity.defaults import COMMAND as DEFAULTS
from samebits.cli.parity.init import COMMAND as INIT
from samebits.cli.parity.train import COMMAND as TRAIN
from samebits.cli.parity.weights import COMMAND as WEIGHTS

TEXT = """What differs between libraries that are said to do the same: measured from the libraries that are installed.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be measured."""

COMMAND = click.Group("parity", help=TEXT, commands=[INIT, DEFAULTS, TRAIN, WEIGHTS])
