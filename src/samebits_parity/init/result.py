"""What was measured of one weight, against what is documented: the line of `samebits parity init --json`."""

from __future__ import annotations

from pydantic import RootModel

from samebits.document import Document
from samebits_parity.init.distributions import Family


class DocumentedAs(Document):
    """`limit`, `deviation`: what the formula gives for this shape, null where it has none; `source`: where it stands;
    `read`: whether the installed library says so itself."""

    formula: str
    limit: float | None
    deviation: float | None
    family: Family
    source: str
    read: bool


class WeightFacts(Document):
    """`limit`: of magnitudes, null where there is none; `exact`: to the last bit of float32, else the largest value
    drawn. `deviation`: of the values drawn. `depends_on`: what the scale of this initializer goes with over all its
    shapes. `equation`: of the paper, for Glorot's uniform distribution. `instead`: what fits where `agrees` is false.
    """

    library: str
    version: str
    initializer: str
    shape: list[int]
    layout: str
    family: Family
    detail: str
    limit: float | None
    exact: bool
    deviation: float | None
    mean: float
    values: int
    documented: DocumentedAs
    agrees: bool
    instead: str | None
    depends_on: str | None
    equation: int | None


class InitDocument(RootModel[list[WeightFacts]]):
    """A list of lines."""
