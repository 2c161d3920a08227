"""Which initial weights a library draws, measured, beside what it documents."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samebits.reports.tree import Report
from samebits.words import agree
from samebits_parity import sides
from samebits_parity.init import cases, documentation, formulas, report
from samebits_parity.init.cases import DrawnWeight, Draws, order, ordinary_fans
from samebits_parity.init.distributions import Distribution, Estimate, estimate
from samebits_parity.init.formulas import Documentation, of_its_layer
from samebits_parity.init.report import WeightFacts, can_be
from samebits_parity.sides import Family, Side

__all__ = ["InitComparison", "compare", "measure"]

TABLES: dict[Family, Callable[[DrawnWeight, Side], Documentation]] = {
    **dict.fromkeys(("keras2", "keras3", "tfkeras"), documentation.of_keras),
    **dict.fromkeys(("jax", "flax"), documentation.of_jax),
    "pytorch": documentation.of_pytorch,
}
FEW = 1e-3  # the share of values that may lie outside of limits that fit otherwise


def measure(drawn: Draws) -> list[WeightFacts]:
    """Return one line for each weight."""
    return [_line(drawn, weight, estimate(weight.draws)) for weight in drawn.weights]


def _line(drawn: Draws, weight: DrawnWeight, found: Estimate) -> WeightFacts:
    documented = TABLES[drawn.side.family](weight, drawn.side)
    agrees = can_be(weight.draws, found, documented.distribution)
    seen = found.distribution
    return WeightFacts(
        library=drawn.side.id,
        version=drawn.version,
        initializer=weight.called,
        shape=list(weight.shape),
        layout=weight.case.layout,
        family=seen.family,
        detail=seen.detail,
        limit=seen.limit,
        deviation=seen.deviation,
        mean=seen.mean,
        values=found.count,
        documented=documented.said,
        agrees=agrees,
        instead=None if agrees else _instead(weight, found, documented),
        equation=_equation(drawn.side, weight, found) if documented.is_glorot else None,
    )


def _instead(weight: DrawnWeight, found: Estimate, documented: Documentation) -> str | None:
    """Return the first of the other hypotheses that fits.

    The last one is the documented distribution with some values outside of its limits.
    """
    fitting = next((words for words, asked in documented.others if can_be(weight.draws, found, asked)), None)
    said = documented.said.formula, documented.distribution
    outside = (_outside(weight, words, asked) for words, asked in (said, *documented.others))
    return fitting or next(filter(None, outside), None)


def _outside(weight: DrawnWeight, words: str, asked: Distribution) -> str | None:
    if asked.low is None or asked.high is None:
        return None
    values = np.asarray(weight.draws).ravel()
    inside = values[(values >= asked.low) & (values <= asked.high)]
    out = values.size - inside.size
    if 0 < out <= values.size * FEW and can_be(inside, estimate(inside[None]), asked):
        return f"{words}, but {out} of {values.size:,} values {agree(out, 'lies', 'lie')} outside its limits"
    return None


def _equation(side: Side, weight: DrawnWeight, found: Estimate) -> int | None:
    """Return which of the paper's equations holds, if any does.

    n_in and n_out come from the shape, as the libraries count them, because the question is only the factor
    sqrt(2).
    """
    if found.distribution.family != "uniform":
        return None
    counted = (of_its_layer(weight, side), ordinary_fans(weight.shape, order(side)))
    told = (formulas.decide(weight.draws, fans.into + fans.out) for fans in counted)
    return next((equation for equation in told if equation), None)


# `samebits parity init`: draw, estimate, compare with what is documented, report.

Progress = Callable[[str], None]


class InitComparison(NamedTuple):
    """What was measured, and its report."""

    lines: list[WeightFacts]
    report: Report


def compare(names: list[str], progress: Progress) -> InitComparison:
    """Measure the libraries that are named; if none is named, all that are installed.

    Raises UsageError, NotFoundError if a library that is named is not installed, LibraryFailure if it ended badly.
    """
    lines: list[WeightFacts] = []
    notes: list[str] = []
    for side in sides.named(names):
        drawn, why = sides.attempt(side, partial(_drawn_and_measured, side, lines, progress), is_named=bool(names))
        notes += _notes(drawn) if drawn else [why]
    return InitComparison(lines, report.report(lines, notes))


def _drawn_and_measured(side: Side, lines: list[WeightFacts], progress: Progress) -> Draws:
    progress(f"{side.id}: drawing")
    with tempfile.TemporaryDirectory(prefix="samebits-init-") as folder:
        drawn = cases.draw(side, Path(folder))
        lines += measure(drawn)
    return drawn


def _notes(drawn: Draws) -> list[str]:
    absent = [f"{drawn.side.id} has no {', '.join(drawn.absent)}."] if drawn.absent else []
    return [*absent, *(f"{drawn.side.id}: {name} could not be drawn: {why}" for name, why in drawn.failed)]
