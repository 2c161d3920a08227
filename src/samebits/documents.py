"""The documents of samebits: frozen, checked when they are read, written as JSON.

What a control did (a value and a sentence), what `samebits explain` found, and what `samebits locate` found. The result
and the record, which hold these, are in `model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, computed_field, model_validator

from samebits.document import NOT_FINITE, AnyNumber, Document
from samebits.tensor_pairs import ShownDifference

__all__ = [
    "LOCATION_FORMAT", "NOT_FINITE", "TOOK_EFFECT", "AnyNumber", "Apart", "DifferingArgument", "Document",
    "Effect", "Evidence", "Explanation", "FileOrder", "FirstOutput", "Fix", "HeldControl", "InspectionRound",
    "KeyedPoint", "Location", "Place", "Size", "State", "TensorDistance", "UnorderedVariable", "with_effect",
]  # fmt: skip


class KeyedPoint(Document):
    """What the program observes under keys (a round, a sample): the first key at which trials differ.

    `keys`: how many there are. `key`: null if the trials agree at all of them. `trials`: those that differ there from
    the first trial of the largest group.
    """

    name: str
    keys: int
    key: str | None = None
    trials: list[int] = []


class FileOrder(Document):
    """The files that two trials both opened, if they opened them in a different order.

    `moved`: the number of places at which the two orders have different files. `one`, `other`: the files of the two
    trials from place `start` on (from 0).
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
_OLD_FIRST_READING = "no step has run yet"  # older documents kept it beside a later reading, which could be taken


class HeldControl(Document):
    """A control that was held. `effect`: what it does (see `samebits_probe.wire`); `why`: a sentence for people.

    `took_effect`: null when no trial could read it back. `detail`: `why`, as older readers call it.
    """

    id: str
    effect: Effect
    why: str = ""

    # mypy has no word for it: https://docs.pydantic.dev/latest/api/fields/#pydantic.fields.computed_field

    @computed_field  # type: ignore[prop-decorator]
    @property
    def took_effect(self) -> bool | None:
        """Whether it took effect; null if that is not known."""
        return TOOK_EFFECT[self.effect]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def detail(self) -> str:
        """The sentence."""
        return self.why

    @model_validator(mode="before")
    @classmethod
    def _with_effect(cls, content: Any) -> Any:
        return with_effect(content) if isinstance(content, dict) else content


def with_effect(control: dict[str, Any]) -> dict[str, Any]:
    """What a record says of a control, with its effect: one of before 2026-12 said it in `detail` alone.

    This is the only place that reads that sentence.
    """
    if "effect" in control or not {"took_effect", "detail"} & set(control):
        return control
    took_effect, detail = control.get("took_effect"), str(control.get("detail") or "")
    if took_effect is not True:
        return {**control, "effect": "undone" if took_effect is False else "unreadable", "why": detail}
    found = next((effect for words, effect in _OLD_EFFECTS.items() if words in detail), "held")
    return {**control, "effect": found, "why": "" if detail == _OLD_FIRST_READING else detail}


# parted: two trials differ; agreed: enough trials have the same bits for the rule; open: they agree so far, and no
# more were needed; broke: the program does not run so; unclear: the trials give no answer
State = Literal["parted", "agreed", "open", "broke", "unclear"]


class Evidence(Document):
    """One setting that was tried. `controls`: all that were held and took effect, in the order of the table.

    `part`: where its trials diverge, in words. `why`: the reason for broke and unclear. `without_effect`: controls that
    were asked for and did not take effect, or had nothing to act on. `steps`: how many each trial made at most; null:
    whole trials. `record`: its folder.
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
    """How a program holds a control by itself. `library`: "" if it concerns every program. `lines`: to paste.

    `instead`: these lines do as well as those of the fix before.
    """

    control: str
    library: str
    where: str
    lines: list[str]
    instead: bool = False


class Explanation(Document):
    """What was found.

    `cause`: the smallest set of controls that suffices; of equally small ones the most specific. Empty if none was
    found. `minimal_controls`: all smallest sets that were found. `cost`: a set's ids joined by "+" -> step time with it
    over step time without: of the medians of some trials each, by turns. It is 1 for a set that acts before the first
    step only. A set is left out if it could not be timed, or if the times with and without it overlap. `cost_range`:
    its lowest and its highest ratio of two trials.

    `outside_known_controls`: trials diverge with all held. `not_applicable`: control -> why it could not be held.
    `without_effect`: control -> why it counts as not held. `needed`: how many trials must agree. `chance`: at most with
    this probability, any useless control that was tried agrees so often by luck. `compared`: how far the trials of the
    cause were compared. `notes`: sentences. `trials`, `seconds`: what it took, with the trials of the check.
    `at_a_time`: the most trials that ran side by side. `unfinished`: the search was ended midway, or goes on;
    `sentence` and `evidence` say what it had shown. `clears_generators`: the cause shows that no generator without a
    seed is to blame.
    """

    cause: list[str]
    operator: str | None = None
    minimal_controls: list[list[str]]
    cost: dict[str, float] = {}
    cost_range: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}
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

    def warnings(self, said: list[str], unseeded: Mapping[str, str]) -> list[str]:
        """Warnings of the check, without blame for generators that this has cleared. `unseeded`: see Result."""
        blamed = set(unseeded.values()) if self.clears_generators else set()
        return [f"{text}; that is not why the trials diverge" if text in blamed else text for text in said]


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
    shown: ShownDifference | None = None


class Place(Document):
    """One station on the way from the step to the operator. `level`: step, phase, module, operator, given
    (where a different number went in), tensor.

    `detail`: what is known of it, as words.
    """

    level: str
    name: str
    detail: str = ""


class InspectionRound(Document):
    """One round of an inspection. `parted`: how many trials diverged from the first; `earliest`: where, in words."""

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

    `what`: module, gradient (of the module's output), operator. `inputs_equal`: null if they were not looked at.
    `module`: where it ran. `code`: a line of the program. `random`: it draws random numbers. `given`: what decides,
    if that came from outside of it. `read_by`: what reads the memory that it left uninitialised.
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
    """A variable of a graph that one step reads and writes, without an order between the two operations."""

    variable: str
    reads: list[str]
    writes: list[str]


class Apart(Document):
    """How far one tensor of two trials is apart after a step."""

    step: int
    different: int
    elements: int
    max_ulp: int | None = None
    relative: float | None = None  # the norm of the difference over the norm of the first trial's tensor


class TensorDistance(Document):
    """How far one tensor of two trials is apart, step by step.

    `relative`: the norm of the difference over that of the first trial's tensor. 0: the same bits. null: different bits
    without such a number (integers, infinity).
    """

    kind: str
    name: str
    steps: list[int]
    relative: list[float | None]


class Location(Document):
    """locate.json: where within the diverging step trials diverge, and how far apart they go.

    `found`: whether trials diverged again when they were looked at. `path`: from the step to the operator. `module` and
    `operator`: the first executed that differs, at each level; null if the look did not get there. `diff`: where
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
    distances: list[TensorDistance] = []  # of every tensor, if --heat asked for them
    size: Size | None = None  # of the difference, if the check had not measured it
    words: str = ""  # what the difference looks like
    notes: list[str] = []
