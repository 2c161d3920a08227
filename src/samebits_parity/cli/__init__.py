"""`samebits parity`: what differs between libraries that are said to do the same."""

from __future__ import annotations

import click

from samebits_parity.cli.defaults import COMMAND as DEFAULTS
from samebits_parity.cli.init import COMMAND as INIT
from samebits_parity.cli.train import COMMAND as TRAIN
from samebits_parity.cli.weights import COMMAND as WEIGHTS

TEXT = """What differs between libraries that are said to do the same: measured from the libraries that are installed.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be measured."""

COMMAND = click.Group("parity", help=TEXT, commands=[INIT, DEFAULTS, TRAIN, WEIGHTS])
