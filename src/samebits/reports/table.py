"""A table between a result and its formats. A cell knows its value, and a presenter decides how to write it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

__all__ = [
    "EMPTY",
    "YES_NO",
    "Cell",
    "Column",
    "MissingValue",
    "Number",
    "Spread",
    "StyledText",
    "Table",
    "WordLines",
    "deviation_of",
    "is_absent",
    "measured",
    "numbers",
    "optional",
    "shown",
    "text_of",
]

Of = Literal["", "paper", "ours"]
Style = Literal["code", "command", "strong", "group", "long"]


@dataclass(frozen=True)
class Number:
    """A finite number.

    `digits`: how many after the point; None for three significant digits. A Decimal is shown as it was printed.
    """

    value: float | Decimal
    digits: int | None = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError("a number in a table is finite; `measured` makes a cell of any other")


@dataclass(frozen=True)
class Spread:
    """A mean and a standard deviation (None for a single value). `digits`: how many after the point, for each."""

    mean: float | Decimal
    deviation: float | Decimal | None
    digits: tuple[int, int] = (2, 2)


@dataclass(frozen=True)
class MissingValue:
    """Stands for a missing value: what it is instead (`undefined`, `not run`), and why."""

    word: str
    why: str = ""

    @property
    def said(self) -> str:
        """undefined: no cell in the prediction"""
        return f"{self.word}: {self.why}" if self.why else self.word


@dataclass(frozen=True)
class StyledText:
    """Words in a style.

    `code`; a `command`, which is never broken into lines, so that people can copy it; `strong`; the letter of a
    `group`; `long` words, which a page folds.
    """

    text: str
    style: Style


@dataclass(frozen=True)
class WordLines:
    """Words in several lines."""

    lines: tuple[str, ...]


Cell = str | Number | Spread | MissingValue | StyledText | WordLines
EMPTY = ""
YES_NO = {True: "yes", False: "no", None: "not known"}


@dataclass(frozen=True)
class Column:
    """A column. `of`: whose values it holds; `wide`: prose, which may be broken into lines."""

    name: str
    of: Of = ""
    number: bool = False
    wide: bool = False

    @property
    def head(self) -> str:
        """Accuracy (%), paper"""
        return f"{self.name}, {self.of}" if self.of else self.name


@dataclass(frozen=True)
class Table:
    """`id`: the paper's number, or a word for a table that is not in the paper. A row has a cell for each column.

    `title`: "" for a table that stands below a heading; `on`: the formats that show it; `is_folded`: a document shows
    the rows and notes if a reader asks for them.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    on: frozenset[str] = frozenset(("terminal", "md", "html"))
    is_folded: bool = False

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.id}: a row does not have as many cells as the table has columns")

    @property
    def name(self) -> str:
        """Table 7; Table controls: as its files are named."""
        return f"Table {self.id}"

    def without(self, of: Of) -> Table:
        """Return the table without the columns of one side."""
        places = [place for place, column in enumerate(self.columns) if column.of != of]
        rows = tuple(tuple(row[place] for place in places) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in places), rows=rows)

    @property
    def anchor(self) -> str:
        """Where it is on a page."""
        return f"table-{self.id.replace(' ', '-')}"

    @property
    def of_the_paper(self) -> bool:
        """Whether the paper has this table."""
        return self.id.isdigit()


def measured(value: float | None, digits: int | None, why: str = "") -> Cell:
    """Return a number that may be undefined, null or not finite: then the cell says why."""
    if value is None:
        return MissingValue("undefined", why)
    return Number(value, digits) if math.isfinite(value) else MissingValue("undefined", why or f"it is {value}")


def optional(value: float | None, digits: int | None = 0) -> Cell:
    """Return a number, or a dash if there is none."""
    return MissingValue("-") if value is None else Number(value, digits)


def is_absent(cell: Cell) -> bool:
    """Return whether a cell holds no value."""
    return isinstance(cell, MissingValue)


def numbers(*names: str, of: Of = "") -> tuple[Column, ...]:
    """Return the columns of numbers."""
    return tuple(Column(name, of, number=True) for name in names)


def text_of(value: float | Decimal, digits: int | None) -> str:
    """Return a number as plain text: 98.94, or 4.93e-03 if no number of digits is given."""
    if isinstance(value, Decimal):
        return str(value)
    return f"{value:.3g}" if digits is None else f"{value:.{digits}f}"


def deviation_of(cell: Spread) -> str:
    """Return a deviation as plain text: 0 only if it is exactly 0, not if it is small; empty if there is none."""
    value, digits = cell.deviation, cell.digits[1]
    if value is None or value == 0:
        return "" if value is None else "0"
    return text_of(value, digits) if value >= 0.5 * 10**-digits else f"{value:.1g}"


def shown(cell: Cell, between: str = " ± ", write: Callable[[str], str] = str) -> str:
    """Return a cell as text. `between`: what stands between mean and deviation; `write`: writes each number."""
    if isinstance(cell, Number):
        return write(text_of(cell.value, cell.digits))
    if isinstance(cell, Spread):
        mean = write(text_of(cell.mean, cell.digits[0]))
        return mean if cell.deviation is None else mean + between + write(deviation_of(cell))
    if isinstance(cell, WordLines):
        return " ".join(cell.lines)
    if isinstance(cell, StyledText):
        return cell.text
    return cell.said if isinstance(cell, MissingValue) else cell
