"""Defines the documents inside results and records: the effect of a control, what explain found, what locate found.

They are frozen, checked when they are read, and written as JSON. `model` defines the result and the record.
"""

# `from __future__ import annotations` would delay each check: Python would compile the text of each annotation
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import computed_field, model_validator

from samebits.document import NOT_FINITE, AnyNumber, Document, Pair
from samebits.tensor_pairs import ShownDifference

__all__ = [
    "LOCATION_FORMAT", "NOT_FINITE", "TOOK_EFFECT", "AnyNumber", "Apart", "DifferingArgument", "Document",
    "Effect", "Evidence", "Explanation", "FileOrder", "FirstOutput", "Fix", "HeldControl", "InspectionRound",
    "KeyedPoint", "Location", "Place", "Size", "State", "TensorDistance", "UnknownPlace",
    "UnorderedVariable", "with_effect",
]  # fmt: skip


class KeyedPoint(Document):
    """A point that the program observes under keys (a round, a sample), and the first key at which trials differ.

    `keys`: the number of keys. `key`: null if the trials agree at every key. `trials`: the trials that differ there
    from the first trial of the largest group.
    """

    name: str
    keys: int
    key: str | None = None
    trials: list[int] = []


class UnknownPlace(Document):
    """A place at which two trials differ in something that samebits does not understand. `seen`: what was seen."""

    place: str
    pattern: str = ""  # for --ignore or --artifact
    trials: list[int]
    values: list[str] = []
    seen: str = ""


class FileOrder(Document):
    """The files that two trials both opened, if they opened them in a different order.

    `moved`: the number of places at which the two orders have different files. `one`, `other`: the files of each trial
    from place `start` on. Places count from 0.
    """

    trials: list[int]
    files: int
    moved: int
    start: int
    one: list[str]
    other: list[str]


Effect = Literal["held", "idle", "overruled", "undone", "unreadable"]
TOOK_EFFECT: dict[Effect, bool | None] = {
    "held": True, "idle": True, "overruled": True, "undone": False, "unreadable": None,
}  # fmt: skip
_OLD_EFFECTS = {
    "nothing reads it": "idle",
    "its seed wins": "overruled",
    "the program chose PYTHONHASHSEED": "overruled",
}
_OLD_FIRST_READING = "no step has run yet"  # older documents kept it even if a later reading succeeded


class HeldControl(Document):
    """A control that was held. `effect`: its effect (see `samebits_probe.wire`). `why`: a sentence for people.

    `took_effect`: null if no trial could read it back. `detail`: `why`, under the name that older readers know.
    """

    id: str
    effect: Effect
    why: str = ""

    @computed_field  # type: ignore[prop-decorator]  # https://github.com/python/mypy/issues/1362
    @property
    def took_effect(self) -> bool | None:
        """Whether the control took effect; null if that is unknown."""
        return TOOK_EFFECT[self.effect]

    @computed_field  # type: ignore[prop-decorator]  # https://github.com/python/mypy/issues/1362
    @property
    def detail(self) -> str:
        """The same as `why`."""
        return self.why

    @model_validator(mode="before")
    @classmethod
    def of_older(cls, content: Any) -> Any:
        """Return the content of a document with its effect."""
        return with_effect(content) if isinstance(content, dict) else content


def with_effect(control: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a control with its effect. Records from before 2026-12 have it only in `detail`.

    No other code reads that sentence.
    """
    if "effect" in control or not {"took_effect", "detail"} & set(control):
        return control
    took_effect, detail = control.get("took_effect"), str(control.get("detail") or "")
    if took_effect is not True:
        return {**control, "effect": "undone" if took_effect is False else "unreadable", "why": detail}
    old_effect = next((effect for words, effect in _OLD_EFFECTS.items() if words in detail), "held")
    return {**control, "effect": old_effect, "why": "" if detail == _OLD_FIRST_READING else detail}


# parted: two trials differ; agreed: as many trials as the rule asks for have the same bits; open: the trials agree so
# far, and no more were needed; broke: the program does not run with these controls; unclear: the trials give no answer
State = Literal["parted", "agreed", "open", "broke", "unclear"]


class Evidence(Document):
    """One setting that was tried. `controls`: all that were held and took effect, in the order of the table.

    `part`: where its trials diverge, in words. `why`: the reason for the states `broke` and `unclear`.
    `without_effect`: requested controls that did not take effect, or had nothing to act on. `steps`: the most steps of
    a trial; null: whole trials. `record`: the folder of its record.
    """

    controls: list[str]
    trials: int
    groups: int
    state: State = "open"
    part: str = ""
    why: str = ""
    without_effect: list[str] = []
    steps: int | None = None
    seconds: float = 0.0
    record: str = ""


class Fix(Document):
    """The lines with which a program holds a control by itself. `library`: "" if they concern every program.

    `lines`: to paste. `instead`: whether they are an alternative to the lines of the previous fix.
    """

    control: str
    library: str
    where: str
    lines: list[str]
    instead: bool = False


class Explanation(Document):
    """What `samebits explain` found.

    `cause`: the smallest set of controls that suffices. Of equally small sets it is the most specific. Empty if none
    was found. `minimal_controls`: all smallest sets that were found. `cost`: the ids of a set, joined by "+" -> the
    step time with the set, divided by the step time without it. Each time is the median of several trials. Trials with
    the set and without it take turns. The cost is 1 for a set that acts only before the first step. A set is left out
    if it could not be timed, or if the times with and without it overlap. `cost_range`: the lowest and the highest
    ratio of two trials.

    `outside_known_controls`: trials diverge even if all controls are held. `not_applicable`: control -> why it could
    not be held. `without_effect`: control -> why it counts as not held. `needed`: how many trials must agree. `chance`:
    an upper limit for the probability that trials agree so often by luck with at least one of the useless controls that
    were tried. `compared`: how far the trials of the cause were compared. `notes`: sentences. `trials`, `seconds`: the
    effort, including the trials of the check. `at_a_time`: the most trials that ran side by side. `unfinished`: the
    search was stopped early, or still runs; `sentence` and `evidence` say what it has shown so far.
    `clears_generators`: the cause shows that the trials do not diverge because of a generator without a seed.
    """

    cause: list[str]
    operator: str | None = None
    minimal_controls: list[list[str]]
    cost: dict[str, float] = {}
    cost_range: dict[str, Annotated[list[float], Pair]] = {}
    evidence: list[Evidence]
    outside_known_controls: bool = False
    sentence: str = ""
    not_applicable: dict[str, str] = {}
    without_effect: dict[str, str] = {}
    needed: int = 0
    chance: float | None = None
    compared: str = ""
    fixes: list[Fix] = []
    notes: list[str] = []
    trials: int = 0
    seconds: float = 0.0
    at_a_time: int = 1
    unfinished: bool = False
    clears_generators: bool = False

    def warnings(self, texts: list[str], unseeded: Mapping[str, str]) -> list[str]:
        """Return the warnings of the check.

        If the cause clears generators, a warning about one says that it is not why the trials diverge. `unseeded`: see
        Result.
        """
        blamed = set(unseeded.values()) if self.clears_generators else set()
        return [f"{text}; that is not why the trials diverge" if text in blamed else text for text in texts]


LOCATION_FORMAT = 1


class Size(Document):
    """How far apart two values at a divergence are. They come from further runs of the program.

    `unrelated`: the values have so little in common that `max_ulp` and `max_relative` say nothing.
    """

    elements: int
    different: int
    max_ulp: int | None = None
    max_relative: float | None = None
    looks: str = ""
    unrelated: bool = False
    shown: ShownDifference | None = None


class Place(Document):
    """One place on the path from the step to the operator, with more about it in `detail`.

    `level`: step, phase, module, operator, given (a different number went in here), tensor.
    """

    level: str
    name: str
    detail: str = ""


class InspectionRound(Document):
    """One round of an inspection. `parted`: how many trials diverged from the first. `earliest`: where, in words."""

    level: Literal["module", "operator", "replay"]
    step: int
    trials: int
    parted: int
    earliest: str = ""


class DifferingArgument(Document):
    """An argument that differs and is not a tensor: its exact text in each of two trials."""

    name: str
    one: str
    other: str


class FirstOutput(Document):
    """The first module, gradient or operator, in the order of execution, whose outputs differ between trials.

    `what`: module, gradient (of the module's output) or operator. `inputs_equal`: null if the inputs were not compared.
    `module`: the module in which it ran. `code`: a line of the program, as `train.py:12` without the folder; the name
    of the operation in a graph of TensorFlow that only libraries made; "" if no line is known. `random`: whether it
    draws random numbers. `given`: the arguments that cause the difference, if they came from outside. `read_by`: the
    operator that reads the memory that this one left uninitialised.
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
    """A variable of a graph that one step reads and writes, with no order between the two operations."""

    variable: str
    reads: list[str]
    writes: list[str]


class Apart(Document):
    """How far apart one tensor of two trials is after a step."""

    step: int
    different: int
    elements: int
    max_ulp: int | None = None
    relative: float | None = None  # the norm of the difference, divided by the norm of the first trial's tensor


class TensorDistance(Document):
    """How far apart one tensor of two trials is, step by step.

    `relative`: the norm of the difference, divided by the norm of the first trial's tensor. 0: the same bits. null:
    different bits without such a number (integers, infinity).
    """

    kind: str
    name: str
    steps: list[int]
    relative: list[float | None]


class Location(Document):
    """locate.json: where in the diverging step the trials diverge, and how far apart they get.

    `found`: whether the trials diverged again during the inspection. `path`: from the step to the operator. `module`
    and `operator`: the first module and the first operator, in the order of execution, that differ; null if the
    inspection did not reach it. `diff`: the first difference if trials did different things, as lines that begin with
    " ", "-" or "+". `growth`: how far apart the tensor `growth_of` is in two diverging trials, step by step.
    `replayed`: operators that differ when they run again on the same inputs in one process.
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
    distances: list[TensorDistance] = []  # of every tensor, if --heat asked for them
    size: Size | None = None  # of the difference, if the check had not measured it
    words: str = ""  # what the difference looks like
    notes: list[str] = []
