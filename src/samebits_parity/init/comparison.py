"""`samebits parity init`: draw, estimate, compare with what is documented, report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from samebits.reports.tree import Report
from samebits_parity import sides
from samebits_parity.init import measurement, report, samples
from samebits_parity.init.result import WeightFacts
from samebits_parity.init.samples import Draws
from samebits_parity.sides import Side

Progress = Callable[[str], None]


class InitComparison(NamedTuple):
    """What was measured, and the report of it."""

    lines: list[WeightFacts]
    report: Report


def compare(names: list[str], progress: Progress) -> InitComparison:
    """Measure the libraries that are named; where none is, all that are here. Raises UsageError, NotFound where one
    that is named is not here, LibraryFailed where it ended badly."""
    lines: list[WeightFacts] = []
    notes: list[str] = []
    for side in sides.named(names):
        drawn, why = sides.attempt(side, partial(_drawn_and_measured, side, lines, progress), is_named=bool(names))
        notes += _notes(drawn) if drawn else [why]
    return InitComparison(lines, report.report(lines, notes))


def _drawn_and_measured(side: Side, lines: list[WeightFacts], progress: Progress) -> Draws:
    progress(f"{side.id}: drawing")
    with tempfile.TemporaryDirectory(prefix="samebits-init-") as folder:
        drawn = samples.draw(side, Path(folder))
        lines += measurement.measure(drawn)
    return drawn


def _notes(drawn: Draws) -> list[str]:
    absent = [f"{drawn.side.id} has no {', '.join(drawn.absent)}."] if drawn.absent else []
    return [*absent, *(f"{drawn.side.id}: {name} could not be drawn: {why}" for name, why in drawn.failed)]
