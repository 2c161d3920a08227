"""What `samebits parity train --json` writes."""

from __future__ import annotations

from typing import Literal

from samebits.documents import Document


class Where(Document):
    """A point at which values are apart. `relative`: null where it is infinite (a shape, a NaN on one side)."""

    step: int
    kind: str
    a: str
    b: str
    relative: float | None
    allowed: float
    ulp: int | None = None


class ExplainedDefault(Document):
    """A default that accounts for it. `default`: its short name; `names`: the weights or layers that it is of."""

    default: str
    words: str
    names: list[str] = []


class Largest(Document):
    """The largest distance of a kind over all steps, and where it is."""

    kind: str
    relative: float | None
    ulp: int | None
    step: int
    name: str


class DocumentPair(Document):
    """A weight of A and of B. `how`: the order of axes; `equal`: whether they began with the same values."""

    a: str
    b: str
    how: str
    equal: bool


class TrainDocument(Document):
    """`verdict`: agree, differ or unknown; `first`: where they diverge, null where they do not."""

    format: Literal[1] = 1
    samebits: str
    verdict: str
    sentence: str
    a: list[str]
    b: list[str]
    single_step: bool
    carried: bool
    steps: int
    first: Where | None = None
    explained: list[ExplainedDefault] = []
    largest: list[Largest] = []
    pairs: list[DocumentPair] = []
    layers: list[Where] = []
