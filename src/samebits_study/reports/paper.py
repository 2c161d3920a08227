"""The paper's own numbers, as printed there, each with its place.

S. S. Alahmari, D. B. Goldgof, P. R. Mouton, L. O. Hall, "Challenges for the Repeatability of Deep Learning Models",
IEEE Access (2020), doi 10.1109/ACCESS.2020.3039833. These are quotations. All other numbers in the reports of a study
are counted or measured by it. `Decimal` keeps the printed digits. Whether the paper's sentences agree with its own rows
is computed from what it printed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

Column = Literal["tf1.14", "tf2.1", "pytorch"]

NAMES: dict[Column, str] = {"tf1.14": "Keras (TF v1.14)", "tf2.1": "Keras (TF v2.1)", "pytorch": "Pytorch"}
HARDWARE = "GeForce GTX 1080 Ti graphics processors (section VII)"
TRIALS = 7  # section VI

# the setups that do the same as a column of the paper's tables; the paper trained all models in one process
ANSWERS: dict[str, Column] = {
    "keras-tf1.14": "tf1.14",
    "keras-tf2.1": "tf2.1",
    "pytorch-1.3": "pytorch",
    "keras-tf1.14-one-process": "tf1.14",
    "keras-tf2.1-one-process": "tf2.1",
    "pytorch-1.3-one-process": "pytorch",
}
# Figure 5: the setup whose models start from Equation 1; the paper gives no numbers for it
EQUATION_1 = "pytorch-1.3-glorot"


@dataclass(frozen=True)
class PaperValue:
    """A mean and a standard deviation, as printed, and where."""

    mean: Decimal
    deviation: Decimal
    place: str


@dataclass(frozen=True, kw_only=True)
class Quotation:
    """What the paper says of one library.

    `rows`: of each model, measure -> value as printed; measures are named as in `results.Digits` and `Cells`. `claim`:
    the place where it says whether the library repeats; `text`: mean and deviation of the first measure, if a sentence
    has them.
    """

    rows: tuple[dict[str, Decimal], ...]
    place: str
    training: PaperValue
    testing: PaperValue
    repeats: bool
    claim: str
    text: PaperValue | None = None

    @property
    def different(self) -> int:
        """How many rows differ. There were at least so many different models."""
        return len({tuple(row.items()) for row in self.rows})


def _quoted(printed: str, place: str) -> PaperValue:
    mean, deviation = printed.split(" ± ")
    return PaperValue(Decimal(mean), Decimal(deviation), place)


def _rows(measures: str, printed: str) -> tuple[dict[str, Decimal], ...]:
    names = measures.split()
    lines = [line.split() for line in printed.strip().splitlines()]
    return tuple(dict(zip(names, map(Decimal, line), strict=True)) for line in lines)


_DIGITS, _CELLS = "accuracy wrong", "error_rate dice precision recall f1"

LENET5: dict[Column, Quotation] = {
    "tf1.14": Quotation(
        place="Table 7",
        rows=_rows(_DIGITS, """
            98.94 106
            98.96 104
            99.02 98
            98.97 103
            99.07 93
            99.01 99
            98.97 103"""),
        training=_quoted("144.53 ± 4.79", "Table 6"),
        testing=_quoted("4.55 ± 0.13", "Table 6"),
        text=_quoted("98.99 ± 0.044", "section VIII.B"),
        repeats=False, claim="section VIII.B",
    ),
    "tf2.1": Quotation(
        place="Table 7",
        rows=_rows(_DIGITS, "99.01 99\n" * 7),
        training=_quoted("127.54 ± 1.99", "Table 6"),
        testing=_quoted("4 ± 0.18", "Table 6"),
        text=_quoted("99.01 ± 0", "section VIII.B"),
        repeats=True, claim="section VIII.B",
    ),
    "pytorch": Quotation(
        place="Table 7",
        rows=_rows(_DIGITS, "98.9 110\n" * 7),
        training=_quoted("222.54 ± 8.62", "Table 6"),
        testing=_quoted("6.74 ± 0.09", "Table 6"),
        text=_quoted("98.90 ± 0", "section VIII.B"),
        repeats=True, claim="section VIII.B",
    ),
}  # fmt: skip

UNET: dict[Column, Quotation] = {
    "tf1.14": Quotation(
        place="Table 3",
        rows=_rows(_CELLS, """
            7.28 0.856 0.846 0.908 0.876
            8.03 0.866 0.847 0.915 0.88
            7.28 0.86  0.846 0.908 0.876
            6.54 0.871 0.854 0.91  0.881
            5.79 0.866 0.858 0.908 0.882
            7.1  0.864 0.848 0.908 0.877
            8.03 0.863 0.839 0.906 0.871"""),
        training=_quoted("5082.2 ± 19.8", "Table 2"),
        testing=_quoted("7.26 ± 0.80", "Table 2"),
        text=_quoted("7.15 ± 0.737", "section VIII.A"),
        repeats=False, claim="section VIII.A",
    ),
    "tf2.1": Quotation(
        place="Table 4",
        rows=_rows(_CELLS, """
            6.72 0.862 0.854 0.912 0.882
            6.72 0.862 0.854 0.912 0.882
            6.72 0.862 0.854 0.912 0.882
            6.72 0.862 0.854 0.912 0.882
            8.22 0.861 0.839 0.908 0.872
            6.72 0.862 0.854 0.912 0.882
            8.22 0.861 0.839 0.908 0.872"""),
        training=_quoted("5216.8 ± 24.78", "Table 2"),
        testing=_quoted("5.03 ± 0.27", "Table 2"),
        text=_quoted("7.14 ± 0.731", "section VIII.A"),
        repeats=False, claim="section VIII.A",
    ),
    "pytorch": Quotation(
        place="Table 5",
        rows=_rows(_CELLS, "6.54 0.861 0.856 0.912 0.883\n" * 7),
        training=_quoted("6534 ± 98.4", "Table 2"),
        testing=_quoted("1.99 ± 0.05", "Table 2"),
        repeats=True, claim="section VIII.A",
    ),
}  # fmt: skip

# study -> what the paper says about it; studies that are not in the paper are not here
STUDIES: dict[str, dict[Column, Quotation]] = {"lenet5": LENET5, "unet": UNET}


def quotation(study: str, setup: str) -> Quotation | None:
    """Return what the paper says about the same setup; None if it has no such setup or study."""
    column = ANSWERS.get(setup)
    return STUDIES.get(study, {}).get(column) if column else None


def quotations(study: str) -> list[Quotation]:
    """Return all that the paper says about a study; empty if the study is not the paper's."""
    return list(STUDIES.get(study, {}).values())


Values = Sequence[Decimal]
FEWEST_CELLS, MOST_CELLS = 50, 1000
DEVIATIONS = {"sample": statistics.stdev, "population": statistics.pstdev}


def of_itself(quoted: Quotation, measure: str) -> list[str]:
    """Return a sentence if the paper's text gives a different mean or deviation than its rows.

    The result is empty if they agree.
    """
    if quoted.text is None:
        return []
    values = [row[measure] for row in quoted.rows]
    mean, deviation = how(quoted.text.mean, statistics.mean(values)), of_deviation(quoted.text.deviation, values)
    if mean == "rounded" and deviation == "sample, rounded":
        return []
    found = " and ".join(f"{DEVIATIONS[kind](values):.4f} ({kind})" for kind in DEVIATIONS)
    return [
        f"The paper's text ({quoted.text.place}) says {quoted.text.mean} ± {quoted.text.deviation}; its rows "
        f"({quoted.place}) have the mean {statistics.mean(values):.4f} and the deviations {found}. Its mean was "
        f"{mean}. Its deviation is "
        + (f"that of a {deviation}." if deviation else "neither that of a sample nor that of a population.")
    ]


def how(printed: Decimal, value: Decimal) -> str:
    """Return how a value was printed: rounded, truncated, or neither."""
    ways = {"rounded": ROUND_HALF_UP, "truncated": ROUND_DOWN}
    return next(
        (way for way, rule in ways.items() if value.quantize(printed, rounding=rule) == printed),
        "neither rounded nor truncated",
    )


def of_deviation(printed: Decimal, values: Values) -> str:
    """Return which deviation of the values was printed, and how: `sample, truncated`. If none fits, return ""."""
    found = {kind: how(printed, deviation(values)) for kind, deviation in DEVIATIONS.items()}
    ways = [f"{kind}, {way}" for way in ("rounded", "truncated") for kind in found if found[kind] == way]
    return ways[0] if ways else ""


def of_cells(study: Iterable[Quotation]) -> list[str]:
    """Return a sentence on the number of true cells that fits the paper's error rates.

    The paper does not give this number. The result is empty if none fits.
    """
    fitting = true_cells([row["error_rate"] for quoted in study for row in quoted.rows])
    if not fitting:
        return []
    return [
        f"The paper does not say how many cells it counted. Among the numbers from {FEWEST_CELLS} to {MOST_CELLS:,}, "
        f"{' and '.join(map(str, fitting))} {'fits' if len(fitting) == 1 else 'fit'} all error rates of Tables 3 to 5, "
        "if the rates are truncated after the second decimal."
    ]


def true_cells(rates: Values) -> list[int]:
    """Return the numbers of true cells for which every error rate is that of a whole number of cells, truncated."""
    numbers = range(FEWEST_CELLS, MOST_CELLS + 1)
    return [cells for cells in numbers if all(_is_truncated(rate, cells) for rate in rates)]


def _is_truncated(rate: Decimal, cells: int) -> bool:
    wrong = Decimal(math.ceil(rate * cells / 100))
    return (100 * wrong / cells).quantize(Decimal("0.01"), rounding=ROUND_DOWN) == rate
