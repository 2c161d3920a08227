"""`samebits parity defaults`: what equal names mean in each library."""

from __future__ import annotations

from typing import Any

from samebits.cli import answers
from samebits.cli.parser import plain
from samebits_parity.options import GROUPS, OPTIONS

TEXT = """Measure on tiny inputs what optimizers, losses and layers do in each library that is here, and show it side by
side with their signatures.

What a library computes is compared with formulas; a behaviour is named by the one that gives the same numbers. What a
library does not have is no difference.

Exit status: 0 they agree, 1 they differ, 2 wrong use or an error, 3 nothing could be compared."""


def run(**given: Any) -> int:
    """Measure, show, write."""
    targets = {name: given[name] for name in ("json", "md", "html")}
    answers.check_targets(targets)
    from samebits_parity.defaults import comparison, report

    groups = tuple(group for group in GROUPS if group in (given["only"] or GROUPS))
    with answers.shown_progress() as progress:
        found = comparison.compare(list(given["libraries"] or ()), groups, progress.note)
    return answers.present(report.report(found), targets)


COMMAND = plain("defaults", run, TEXT, OPTIONS["parity defaults"])
