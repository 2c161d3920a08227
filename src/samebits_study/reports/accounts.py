"""Where the paper's sentences do not agree with its own rows: computed from what it printed, not typed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from samebits_study.reports.paper import Quotation

Values = Sequence[Decimal]
FEWEST_CELLS, MOST_CELLS = 50, 1000
DEVIATIONS = {"sample": statistics.stdev, "population": statistics.pstdev}


def of_itself(quoted: Quotation, measure: str) -> list[str]:
    """What the rows give where a sentence of the text gives mean and deviation; nothing where they agree."""
    if quoted.text is None:
        return []
    values = [row.values[measure] for row in quoted.rows]
    mean, deviation = how(quoted.text.mean, statistics.mean(values)), of_deviation(quoted.text.deviation, values)
    if mean == "rounded" and deviation == "sample, rounded":
        return []
    found = " and ".join(f"{DEVIATIONS[kind](values):.4f} ({kind})" for kind in DEVIATIONS)
    return [
        f"The paper's text ({quoted.text.place}) says {quoted.text.mean} ± {quoted.text.deviation}; its rows "
        f"({quoted.place}) have the mean {statistics.mean(values):.4f} and the deviations {found}. So its mean is "
        f"{mean}, and its deviation that of a {deviation}."
    ]


def how(printed: Decimal, value: Decimal) -> str:
    """How a value became what was printed: rounded, cut off, or neither."""
    ways = {"rounded": ROUND_HALF_UP, "cut off": ROUND_DOWN}
    return next((way for way, rule in ways.items() if value.quantize(printed, rounding=rule) == printed), "another")


def of_deviation(printed: Decimal, values: Values) -> str:
    """Which deviation of the values was printed, and how: `sample, cut off`."""
    found = {kind: how(printed, deviation(values)) for kind, deviation in DEVIATIONS.items()}
    ways = [f"{kind}, {way}" for way in ("rounded", "cut off") for kind in found if found[kind] == way]
    return ways[0] if ways else "sample or population: neither"


def of_cells(study: Iterable[Quotation]) -> list[str]:
    """How many true cells the paper's error rates are rates of, which it does not say; nothing where none fits."""
    fitting = true_cells([row.values["error_rate"] for quoted in study for row in quoted.rows])
    if not fitting:
        return []
    return [
        f"The paper does not say how many cells it counted. Of all numbers from {FEWEST_CELLS} to {MOST_CELLS:,}, "
        f"{' and '.join(map(str, fitting))} {'fits' if len(fitting) == 1 else 'fit'} all error rates of Tables 3 to 5, "
        "if digits beyond the second are cut off."
    ]


def true_cells(rates: Values) -> list[int]:
    """The numbers of true cells with which every error rate is that of a whole number of cells, cut off."""
    numbers = range(FEWEST_CELLS, MOST_CELLS + 1)
    return [cells for cells in numbers if all(_is_cut_off(rate, cells) for rate in rates)]


def _is_cut_off(rate: Decimal, cells: int) -> bool:
    wrong = Decimal(math.ceil(rate * cells / 100))
    return (100 * wrong / cells).quantize(Decimal("0.01"), rounding=ROUND_DOWN) == rate
