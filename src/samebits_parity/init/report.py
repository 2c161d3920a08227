"""What was measured for each weight, beside what is documented: the lines of `samebits parity init --json`, and the
report. In its tables, libraries with the same answer share a row.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel

from samebits.documents import Document
from samebits.reports.table import YES_NO, Cell, Column, MissingValue, Number, Table, numbers
from samebits.reports.tree import DOCUMENT, Report
from samebits.words import agree
from samebits_parity.init.distributions import (
    CHANCE,
    KURTOSIS,
    RANDOM,
    Distribution,
    Estimate,
    Family,
    deviations,
    distance,
)
from samebits_parity.init.formulas import DocumentedAs
from samebits_parity.report import compared, parts


class WeightFacts(Document):
    """`limit`: the largest magnitude drawn, null if there is no limit. `deviation`: of the values drawn. `equation`: of
    the paper, for Glorot's uniform distribution. `instead`: what fits if `agrees` is false.
    """

    library: str
    version: str
    initializer: str
    shape: list[int]
    layout: str
    family: Family
    detail: str
    limit: float | None
    deviation: float | None
    mean: float
    values: int
    documented: DocumentedAs
    agrees: bool
    instead: str | None
    equation: int | None


class InitDocument(RootModel[list[WeightFacts]]):
    """A list of lines."""


# Whether values can be draws from a distribution. This is the rule; each part rejects the right distribution with
# probability CHANCE.
#
# 1. No value lies outside of the distribution's limits in float32.
# 2. The largest of n values is not too small. The probability that all n stay below it is F(largest)^n, which is itself
#    uniform. So for a uniform distribution a limit is known to within ln(1 / CHANCE) / n: 0.02 % for 131,072 values.
# 3. Mean and deviation are the distribution's within 6.5 of their own deviations.
# 4. The distribution functions are as close as the Dvoretzky-Kiefer-Wolfowitz inequality says.

FAR = deviations(CHANCE)
STEPS = 4  # steps of float32 by which a library may round a limit differently
CLOSE = 1e-4  # relative, for lengths of rows and for constants


def can_be(values: NDArray[Any], found: Estimate, asked: Distribution) -> bool:
    """Return whether values can be draws from this distribution. `found`: the estimate from the values."""
    seen = found.distribution
    if seen.family != asked.family:
        return False
    if asked.family == "constant":
        return math.isclose(seen.mean, asked.mean, rel_tol=CLOSE, abs_tol=1e-12)
    if asked.family == "orthogonal":
        return math.isclose(seen.gain or 0, asked.gain or 0, rel_tol=CLOSE)
    if asked.family not in RANDOM:
        return seen.detail == asked.detail
    closest = math.sqrt(math.log(2 / CHANCE) / (2 * values.size))
    return (
        _inside(found, asked)
        and _far_enough(found, asked)
        and _same_moments(found, asked)
        and distance(values, asked) < closest
    )


def _inside(found: Estimate, asked: Distribution) -> bool:
    if asked.low is None or asked.high is None:
        return True
    room = STEPS * float(np.spacing(np.float32(asked.limit or 0)))
    return found.smallest >= asked.low - room and found.largest <= asked.high + room


def _far_enough(found: Estimate, asked: Distribution) -> bool:
    """Return whether both ends fit. They are not too far in and, if there is no limit, not too far out."""
    ends = (asked.below(found.largest), 1 - asked.below(found.smallest))
    for share in ends:
        if share <= 0 or found.count * math.log(share) < math.log(CHANCE):
            return False
        if asked.high is None and found.count * (1 - share) < CHANCE:
            return False
    return True


def _same_moments(found: Estimate, asked: Distribution) -> bool:
    assert asked.deviation
    mean = abs(found.distribution.mean - asked.mean) / asked.deviation * math.sqrt(found.count)
    variance = ((found.distribution.deviation or 0) / asked.deviation) ** 2 - 1
    spread = abs(variance) / math.sqrt((KURTOSIS[asked.family] - 1) / found.count)
    return mean < FAR and spread < FAR


DIGITS = 5
WHERE = "Everything that was measured: --md FILE, --html FILE, --json FILE."
LIMITS = "A limit is the largest magnitude that was drawn. It is a little below the limit of the distribution."
FANS = (
    "As documented, fan_in is the number of inputs of one output, and fan_out the number of outputs of one input, in a "
    "layer with this shape."
)


def report(lines: list[WeightFacts], notes: list[str]) -> Report:
    """Return the whole report. `notes`: what was not measured, and why."""
    wrong = [line for line in lines if not line.agrees]
    tables = (_libraries(lines), _differences(wrong), _equations(lines), _all(lines))
    made = compared(
        "Initial weights: measured against what is documented",
        "unknown" if not lines else "differ" if wrong else "agree",
        _sentence(lines, wrong),
        InitDocument(lines),
        parts(_facts(lines), [table for table in tables if table.rows], notes, WHERE if lines else ""),
    )
    return replace(made, created=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"))


def _sentence(lines: list[WeightFacts], wrong: list[WeightFacts]) -> str:
    if not lines:
        return "No library drew a weight, so nothing could be compared."
    libraries = len({line.library for line in lines})
    some = (
        f"{len(wrong):,} of {len(lines):,} initial weights {agree(len(wrong), 'is', 'are')} not"
        if wrong
        else f"All {len(lines):,} initial weights are"
    )
    return f"{some} drawn as documented, in {libraries} {'library' if libraries == 1 else 'libraries'}."


def _facts(lines: list[WeightFacts]) -> tuple[tuple[str, str], ...]:
    """Return which of the paper's equations Glorot's uniform distribution follows."""
    counts = {equation: sum(line.equation == equation for line in lines) for equation in (1, 2)}
    asked = sum(counts.values())
    if not asked:
        return ()
    drawn = "kernels drawn by Glorot's uniform distribution"
    first, second = (f"{agree(counts[one], 'follows', 'follow')} Equation {one}" for one in (1, 2))
    return (("paper", f"{counts[1]} of {asked} {drawn} {first}, and {counts[2]} {second}."),)


def _libraries(lines: list[WeightFacts]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for library in dict.fromkeys(line.library for line in lines):
        these = [line for line in lines if line.library == library]
        right = sum(line.agrees for line in these)
        counts = (len(these), right, len(these) - right, sum(line.documented.read for line in these))
        rows.append((library, these[0].version, *map(Number, counts)))
    heads = ("measured", "as documented", "not as documented", "formula read from the installed library")
    columns = (Column("library"), Column("version"), *(Column(head, number=True) for head in heads))
    return Table(id="libraries", title="What was measured.", columns=columns, rows=tuple(rows))


def _differences(wrong: list[WeightFacts]) -> Table:
    columns = (
        Column("layer"), Column("documented", wide=True), *numbers("gives", "measured"), Column("what fits", wide=True),
    )  # fmt: skip
    note = (
        "The columns 'gives' and 'measured' show the limit. If there is no limit, or if the deviation differs, they "
        "show the deviation."
    )
    rows = _rows(wrong, lambda one: (
        one.layout, one.documented.formula, *_compared(one), one.instead or "none of the hypotheses",
    ), lambda one: one.instead)  # fmt: skip
    return Table("differences", "Not as documented.", (*ALWAYS, *columns), rows, notes=(note, FANS))


def _compared(line: WeightFacts) -> tuple[Cell, Cell]:
    """Return what the formula gives and what was measured, in the same kind of number."""
    said = line.documented
    cut = said.family == "truncated normal" and not math.isclose(said.deviation or 0, line.deviation or 0, rel_tol=0.02)
    if said.limit is not None and line.limit is not None and said.family == line.family and not cut:
        return Number(said.limit, DIGITS), Number(line.limit, DIGITS)
    return _number(said.deviation), _number(line.deviation)


def _equations(lines: list[WeightFacts]) -> Table:
    note = (
        "Equation 1: limit = sqrt(6 / (n_in + n_out)); Equation 2: sqrt(6 / max(1, (n_in + n_out) / 2)). n_in and "
        "n_out are counted as the library counts them."
    )
    drawn = [line for line in lines if line.equation]
    rows = _rows(drawn, lambda one: (_number(one.limit), Number(one.equation or 0)), lambda one: one.equation)
    columns = (*ALWAYS, *numbers("limit", "equation"))
    return Table("equations", "The paper's Equation 1 or 2?", columns, rows, notes=(note,))


def _all(lines: list[WeightFacts]) -> Table:
    columns = (
        Column("layer"), Column("family"), *numbers("limit", "deviation"), Column("documented", wide=True),
        Column("documented in"), Column("agrees"),
    )  # fmt: skip
    rows = _rows(lines, lambda one: (
        one.layout, one.detail or one.family, _number(one.limit), _number(one.deviation), one.documented.formula,
        one.documented.source, YES_NO[one.agrees],
    ))  # fmt: skip
    notes = (LIMITS, "Deviations are those of the weights that the first named library drew.")
    return Table("initial weights", "Everything.", (*ALWAYS, *columns), rows, notes, on=DOCUMENT)


ALWAYS = (Column("libraries"), Column("initializer"), Column("shape"))


def _rows(
    lines: list[WeightFacts],
    cells: Callable[[WeightFacts], tuple[Cell, ...]],
    apart: Callable[[WeightFacts], Hashable] = lambda line: None,
) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows of a table. Lines of different libraries that say the same share one, at the place of the first.

    `cells`: those of a line, beside those of each table; `apart`: what has to be the same beside what each table shows.
    """
    groups: dict[Hashable, list[WeightFacts]] = defaultdict(list)
    for line in lines:
        limit = f"{line.limit:.3g}" if line.family == "uniform" and line.limit is not None else ""
        said = line.documented.formula, line.documented.source, line.agrees
        key = (line.initializer, *line.shape, line.layout, line.family, limit, *said, apart(line))
        groups[key].append(line)
    return tuple(
        (", ".join(dict.fromkeys(line.library for line in these)), these[0].initializer,
         " x ".join(map(str, these[0].shape)), *cells(these[0]))
        for these in groups.values()
    )  # fmt: skip


def _number(value: float | None) -> Cell:
    return MissingValue("") if value is None else Number(value, DIGITS)
