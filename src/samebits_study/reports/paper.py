"""The paper's own numbers, as printed there, each with its place.

S. S. Alahmari, D. B. Goldgof, P. R. Mouton, L. O. Hall, "Challenges for the Repeatability of Deep Learning Models",
IEEE Access (2020), doi 10.1109/ACCESS.2020.3039833. These are quotations: the only numbers in the reports
of a study that are not counted or measured by it. `Decimal` keeps the digits that were printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Column = Literal["tf1.14", "tf2.1", "pytorch"]

NAMES: dict[Column, str] = {
    "tf1.14": "Keras (TF v1.14)",
    "tf2.1": "Keras (TF v2.1)",
    "pytorch": "Pytorch",
}
HARDWARE = "GeForce GTX 1080 Ti graphics processors (section VII)"
TRIALS = 7  # section VI

# the setups that do what a column of the paper's tables did; the paper trained all models in one process
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


@dataclass(frozen=True)
class PaperRow:
    """One model of a table: measure -> value as printed. Measures are named as in `results.Digits` and `Cells`."""

    values: dict[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Quotation:
    """What the paper says of one library. `claim`: where it says whether it repeats; `text`: mean and deviation of the
    first measure, where a sentence has them."""

    rows: tuple[PaperRow, ...]
    place: str
    training: PaperValue
    testing: PaperValue
    repeats: bool
    claim: str
    text: PaperValue | None = None

    @property
    def different(self) -> int:
        """How many rows differ: so many different models there were at least."""
        return len({tuple(row.values.items()) for row in self.rows})


def _quoted(printed: str, place: str) -> PaperValue:
    mean, deviation = printed.split(" ± ")
    return PaperValue(Decimal(mean), Decimal(deviation), place)


def _rows(measures: str, printed: str) -> tuple[PaperRow, ...]:
    names = measures.split()
    lines = [line.split() for line in printed.strip().splitlines()]
    return tuple(PaperRow(dict(zip(names, map(Decimal, line), strict=True))) for line in lines)


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

# study -> what the paper has of it; a study that it does not have is not here
STUDIES: dict[str, dict[Column, Quotation]] = {"lenet5": LENET5, "unet": UNET}


def quotation(study: str, setup: str) -> Quotation | None:
    """What the paper says that a setup answers to; None where it has no such setup or study."""
    column = ANSWERS.get(setup)
    return STUDIES.get(study, {}).get(column) if column else None
