"""Which initial weights a library draws, measured, beside what it documents."""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samebits.reports.tree import Report
from samebits.words import agree
from samebits_parity import sides
from samebits_parity.init import cases, documentation, formulas, report
from samebits_parity.init.cases import DrawnWeight, Draws, Fans, order, ordinary_fans
from samebits_parity.init.distributions import CHANCE, RANDOM, Distribution, Estimate, deviations, estimate
from samebits_parity.init.formulas import Documentation, of_its_layer
from samebits_parity.init.report import DocumentedAs, WeightFacts, can_be
from samebits_parity.sides import Family, Side

__all__ = ["InitComparison", "compare", "measure"]

TABLES: dict[Family, Callable[[DrawnWeight, Side], Documentation]] = {
    **dict.fromkeys(("keras2", "keras3", "tfkeras"), documentation.of_keras),
    **dict.fromkeys(("jax", "flax"), documentation.of_jax),
    "pytorch": documentation.of_pytorch,
}
LAWS: dict[str, Callable[[Fans], float]] = {
    "nothing": lambda fans: 1.0,
    "fan_in": lambda fans: fans.into,
    "fan_out": lambda fans: fans.out,
    "fan_in + fan_out": lambda fans: fans.into + fans.out,
}
FEW = 1e-3  # the share of values that may lie outside of limits that fit otherwise
EXACTLY = 1e-6  # relative, for limits known to the last bit


class WeightScale(NamedTuple):
    """The limit or deviation of one weight, how precisely it is known (relative), and its fans: the ordinary ones, and
    those in its layer.
    """

    value: float
    known: float
    fans: tuple[Fans, Fans]


def measure(drawn: Draws) -> list[WeightFacts]:
    """Return one line for each weight."""
    estimates = [estimate(weight.draws) for weight in drawn.weights]
    laws = _laws(drawn, estimates)
    return [
        _line(drawn, weight, found, laws.get(weight.called))
        for weight, found in zip(drawn.weights, estimates, strict=True)
    ]


def _line(drawn: Draws, weight: DrawnWeight, found: Estimate, law: str | None) -> WeightFacts:
    said = TABLES[drawn.side.family](weight, drawn.side)
    agrees = can_be(weight.draws, found, said.distribution)
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
        exact=found.exact,
        deviation=seen.deviation,
        mean=seen.mean,
        values=found.count,
        documented=_documented(said),
        agrees=agrees,
        instead=None if agrees else _instead(weight, found, said),
        depends_on=law,
        equation=_equation(drawn.side, weight, found, said),
    )


def _documented(said: Documentation) -> DocumentedAs:
    asked = said.distribution
    return DocumentedAs(
        formula=said.formula,
        limit=asked.limit,
        deviation=asked.deviation,
        family=asked.family,
        source=said.source,
        read=said.read,
    )


def _instead(weight: DrawnWeight, found: Estimate, said: Documentation) -> str | None:
    """Return the first of the other hypotheses that fits.

    The last one is the documented distribution with some values outside of its limits.
    """
    fitting = next((words for words, asked in said.others if can_be(weight.draws, found, asked)), None)
    return fitting or _outside(weight, [(said.formula, said.distribution), *said.others])


def _outside(weight: DrawnWeight, hypotheses: list[tuple[str, Distribution]]) -> str | None:
    values = np.asarray(weight.draws).ravel()
    for words, asked in hypotheses:
        if asked.low is None or asked.high is None:
            continue
        inside = values[(values >= asked.low) & (values <= asked.high)]
        out = values.size - inside.size
        if 0 < out <= values.size * FEW and can_be(inside, estimate(inside[None]), asked):
            return f"{words}, but {out} of {values.size:,} values {agree(out, 'lies', 'lie')} outside its limits"
    return None


def _equation(side: Side, weight: DrawnWeight, found: Estimate, said: Documentation) -> int | None:
    """Return which of the paper's equations holds, if the documentation says Glorot's uniform distribution.

    n_in and n_out come from the shape, as the libraries count them, because the question is only the factor
    sqrt(2).
    """
    if not said.is_glorot or found.distribution.family != "uniform":
        return None
    exact = found.distribution.limit if found.exact else None
    counted = (of_its_layer(weight, side), ordinary_fans(weight.shape, order(side)))
    told = [formulas.decide(weight.draws, fans.into + fans.out, exact) for fans in counted]
    return next((equation for equation in told if equation), None)


def _laws(drawn: Draws, estimates: list[Estimate]) -> dict[str, str]:
    """Return {initializer: what its scale depends on}, for initializers that drew several shapes."""
    scales: dict[str, list[WeightScale]] = defaultdict(list)
    for weight, found in zip(drawn.weights, estimates, strict=True):
        scale = _scale(drawn.side, weight, found)
        if scale:
            scales[_whatever_axes(weight)].append(scale)
    told = {key: law(these) for key, these in scales.items()}
    return {weight.called: said for weight in drawn.weights if (said := told.get(_whatever_axes(weight)))}


def _whatever_axes(weight: DrawnWeight) -> str:
    """Return the name without axes.

    JAX is told which axes are inputs and outputs; that does not make a different initializer.
    """
    return weight.called.split("(in_axis")[0]


def _scale(side: Side, weight: DrawnWeight, found: Estimate) -> WeightScale | None:
    seen = found.distribution
    if seen.family not in RANDOM or not seen.deviation or len(weight.shape) < 2:
        return None
    fans = (ordinary_fans(weight.shape, order(side)), of_its_layer(weight, side))
    if found.exact and seen.limit:
        return WeightScale(seen.limit, EXACTLY, fans)
    return WeightScale(seen.deviation, deviations(CHANCE) / math.sqrt(2 * found.count), fans)


def law(scales: list[WeightScale]) -> str | None:
    """Return the quantity to whose root a scale is proportional: the first of LAWS that fits all shapes.

    The result is None if that cannot be told.
    """
    for place, words in enumerate((" of the shape", " of the layer")):
        fitting = [name for name, fan in LAWS.items() if _fits(scales, fan, place)]
        if fitting and len({scale.fans for scale in scales}) > 1:
            same = all(scale.fans[0] == scale.fans[1] for scale in scales)
            return fitting[0] if same or fitting[0] == "nothing" else fitting[0] + words
    return None


def _fits(scales: list[WeightScale], fan: Callable[[Fans], float], place: int) -> bool:
    roots = [scale.value * math.sqrt(fan(scale.fans[place])) for scale in scales]
    known = max(scale.known for scale in scales)
    return max(roots) <= min(roots) * (1 + 2 * known)


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
