"""What `samebits locate` found: the way from the step to the operator, and how far trials diverge."""

from __future__ import annotations

from typing import Literal

from samebits.document import Document

LOCATION_FORMAT = 1


class Size(Document):
    """How far the two values are apart, from a second look at the tensor of two trials of different groups.

    `unrelated`: they have so little in common that `max_ulp` and `max_relative` say nothing.
    """

    elements: int
    different: int
    max_ulp: int | None = None
    max_relative: float | None = None
    looks: str = ""
    unrelated: bool = False


class Place(Document):
    """One station on the way from the step to the operator. `level`: step, phase, module, operator, given
    (where another number went in), tensor.

    `detail`: what is known of it, as words.
    """

    level: str
    name: str
    detail: str = ""


class InspectionRound(Document):
    """One round of a closer look. `parted`: how many of its trials left the first; `earliest`: where, in words."""

    level: Literal["module", "operator", "replay"]
    step: int
    trials: int
    parted: int
    earliest: str = ""


class DifferingArgument(Document):
    """An argument that is no tensor and differs: as exact text, of the two trials."""

    name: str
    one: str
    other: str


class FirstOutput(Document):
    """The first thing executed within the step whose outputs differ between trials.

    `what`: module, gradient (of the module's output), operator. `inputs_equal`: null where they were not looked at.
    `module`: where it ran. `code`: a line of the program. `random`: it draws random numbers. `given`: what decides,
    where that came from outside of it. `read_by`: what reads the memory that it left uninitialised.
    """

    what: str
    phase: str
    name: str
    type: str = ""
    module: str = ""
    code: str = ""
    inputs_equal: bool | None = None
    random: bool = False
    given: list[DifferingArgument] = []
    read_by: str = ""
    size: Size | None = None


class UnorderedVariable(Document):
    """A variable of a graph that is read and written in one step without an order between the two operations."""

    variable: str
    reads: list[str]
    writes: list[str]


class Apart(Document):
    """How far two trials are apart after a step: of one tensor."""

    step: int
    different: int
    elements: int
    max_ulp: int | None = None
    relative: float | None = None  # the norm of the difference over the norm of the first trial's tensor


class Location(Document):
    """locate.json: where within the diverging step trials diverge, and how far apart they go.

    `found`: whether trials diverged again when they were looked at. `path`: from the step to the operator. `module` and
    `operator`: the first executed that differs, at each level; null where the look did not get there. `diff`: where
    trials did different things, the first difference as lines that begin with " ", "-" or "+". `growth`: of the tensor
    `growth_of`, step by step, between two trials that diverged. `replayed`: operators that differ when run again
    on the same inputs in one process.
    """

    format: int = LOCATION_FORMAT
    found: bool
    sentence: str
    step: int
    kind: str
    name: str
    path: list[Place] = []
    looks: list[InspectionRound] = []
    module: FirstOutput | None = None
    operator: FirstOutput | None = None
    replayed: list[str] = []
    unordered: list[UnorderedVariable] = []
    diff: list[str] = []
    growth_of: str = ""
    growth: list[Apart] = []
    words: str = ""  # what the difference looks like
    notes: list[str] = []
