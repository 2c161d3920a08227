"""Defines vary.json, from which the reports of vary are made. Frozen, checked, read back as it was written.

The functions decide for each factor whether the bits depend on it, and combine the answers of all factors into one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from samebits import controls, words
from samebits.comparison.verdict.warnings import unread
from samebits.documents import AnyNumber
from samebits.model import Divergence, Document, Result, Setup, Size, Verdict
from samebits.reports import result_words
from samebits.vary.factor import Factor
from samebits.words import listed

VARY_FORMAT = 1
Status = Literal["base", "same", "differs", "unsettled", "no-effect"]
FactorAnswer = Literal["depends", "independent", "unsettled", "no-effect"]


class Outcome(Document):
    """A loss or a metric at the end of the training: `base` with the base value, `value` with this one."""

    name: str
    base: AnyNumber
    value: AnyNumber


class End(Document):
    """How far the outcome is from that of the base value.

    `weights`: how many tensors were seen at the end. `different`: how many of them differ. `largest_name`: the largest
    tensor of weights. `largest`: how far apart it is in the two trainings. `relative`: the norm of its difference,
    divided by its norm with the base value; null if it was not measured.
    """

    weights: int = 0
    different: int = 0
    relative: AnyNumber | None = None
    largest: Size | None = None
    largest_name: str = ""
    outcomes: list[Outcome] = []


class Value(Document):
    """One value of a factor, and how its trials compare with those of the base value.

    `status`: `base`; `same` (the bits of the base); `differs`; `unsettled` (its trials differ among themselves or gave
    no answer; `why` says which); `no-effect` (the same bits, but nothing shows that it took effect; see `why`).
    `in_force`: what the trials said was in force; null if they could not tell. `record`: its folder, relative to that
    of vary.json; null if no trial was run. `divergence`: where its trials diverge from the base. `moves_memory`: base
    trials whose memory lies at a different place diverge there too, so the value is unsettled.
    """

    value: str
    status: Status
    why: str = ""
    moves_memory: bool = False
    in_force: str | None = None
    record: str | None = None
    trials: int = 0
    model: str | None = None
    divergence: Divergence | None = None
    agrees: list[str] = []
    end: End | None = None


class FactorResult(Document):
    """The answer for one factor. `values`: the base value comes first. `named`: whether the user named the factor.

    `groups`: nodes, grouped by their bits.
    """

    id: str
    does: str
    answer: FactorAnswer
    sentence: str
    named: bool
    values: list[Value]
    groups: list[list[str]] = []


class VaryResult(Document):
    """The answer of `samebits vary`.

    `verdict`: `repeated` if the bits depend on nothing that was varied, `diverged` if they depend on something, else
    `inconclusive` with its `reason`. `setup`: the base setup, as its trials saw it. `held`: factor -> its value in the
    base setup. `left_out`: factor -> why it was not varied. `by_chance`: the probability that a training with two
    equally likely outcomes shows one outcome in all trials of the base and the other in all trials of a value.
    """

    format: int = VARY_FORMAT
    samebits: str
    created: str
    verdict: Verdict
    sentence: str
    reason: str | None = None
    advice: str | None = None
    setup: Setup
    trials: int
    steps: int
    scope: Literal["whole", "prefix"]
    held: dict[str, str]
    factors: list[FactorResult] = []
    left_out: dict[str, str] = {}
    by_chance: float
    warnings: list[str] = []
    seconds: float = 0.0
    record: str = ""


STOPPED = "vary was stopped early"
MOVES_MEMORY = "different bits, but trials that differ only in memory layout have different bits, too"
MAY_MOVE_MEMORY = "different bits, but it moves memory, and the two effects were not separated"
DRIFTS = "different bits, but the base setup now has different bits, too: something else changed (the time, a file)"
MAY_DRIFT = "different bits, but the base setup could not be run again after it"
TRIALS_AFTER = 2  # this many more trials of the base setup follow a value that differs


def by_chance(trials: int) -> float:
    """Return the probability that noise with two equally likely outcomes looks like dependence on a value.

    The base trials and those that follow later all have one outcome, and all trials of the value have the other:
    2 / 2^(2n + 2).
    """
    return 2.0 ** (1 - 2 * trials - TRIALS_AFTER)


def same_or_no_effect(factor: Factor, base: str | None, value: str | None) -> tuple[bool, str]:
    """Return whether the value took effect, so that equal bits mean something. If not, also return the reason."""
    if base is None or value is None:
        return False, factor.why_no_effect()
    if base == value:
        return False, f"it was in force for the base value too: {value}{factor.unchanged}"
    return True, ""


def of_factor(
    factor: Factor, values: Sequence[Value], *, named: bool, groups: Sequence[Sequence[str]] = ()
) -> FactorResult:
    """Return the answer for a factor whose values have been tried. `groups`: see FactorResult."""
    answer = _answer(values)
    return FactorResult(
        id=factor.id,
        does=factor.does(),
        answer=answer,
        sentence=_SENTENCES[answer](values),
        named=named,
        values=list(values),
        groups=[list(group) for group in groups],
    )


def grouped(factor: FactorResult) -> list[str]:
    """Return sentences about nodes: how their bits group them, and which node differs from the others."""
    sentences = [f"{value.value}: {value.why}" for value in factor.values if value.status == "unsettled"]
    if len(factor.groups) < 2:
        return [*sentences, f"the same bits on {listed(factor.groups[0])}"] if factor.groups else sentences
    text = " | ".join(", ".join(group) for group in factor.groups)
    sentences.append(f"{words.count(len(factor.groups), 'group')} by their bits: {text}")
    most = max(map(len, factor.groups))
    odd = [group for group in factor.groups if len(group) < most]
    if len(odd) == len(factor.groups) - 1:
        names = [name for group in odd for name in group]
        sentences.append(f"different from the others: {listed(names)}")
    return sentences


def _answer(values: Sequence[Value]) -> FactorAnswer:
    statuses = [value.status for value in values]
    if "differs" in statuses:
        return "depends"
    if "unsettled" in statuses:
        return "unsettled"
    return "independent" if "same" in statuses else "no-effect"


def _depends(values: Sequence[Value]) -> str:
    differing = [value for value in values if value.status == "differs" and value.divergence is not None]
    first = differing[0].divergence
    assert first is not None
    names = ", ".join(value.value for value in differing)
    return f"the bits depend on it: {names} against {values[0].value}, {result_words.part(first)}"


def _independent(values: Sequence[Value]) -> str:
    same = [value.value for value in values if value.status == "same"]
    without = [value.value for value in values if value.status == "no-effect"]
    rest = f" ({', '.join(without)} had no effect)" if without else ""
    return f"the same bits with {', '.join([values[0].value, *same])}{rest}"


def _unsettled(values: Sequence[Value]) -> str:
    first = next(value for value in values if value.status == "unsettled")
    return f"cannot tell: with {first.value}, {first.why}"


def _no_effect(values: Sequence[Value]) -> str:
    why = next((value.why for value in values if value.status == "no-effect"), "nothing was tried")
    return f"cannot tell: {why}"


_SENTENCES = {"depends": _depends, "independent": _independent, "unsettled": _unsettled, "no-effect": _no_effect}


def of_all(factors: Sequence[FactorResult], left: Sequence[str] = ()) -> tuple[Verdict, str, str | None]:
    """Return (verdict, sentence, reason) for all factors together.

    A factor without effect matters only if the user named it, or if no factor left the bits the same. `left`: factors
    that were not varied yet.
    """
    depends = [factor.id for factor in factors if factor.answer == "depends"]
    free = [factor.id for factor in factors if factor.answer == "independent"]
    unclear = [f.id for f in factors if f.answer == "unsettled" or (f.answer == "no-effect" and (f.named or not free))]
    if depends:
        return "diverged", f"The trained bits depend on {listed(depends)}.", None
    if left:
        text = f"{listed(left)} {'was' if len(left) == 1 else 'were'} not varied: {STOPPED}."
        return "inconclusive", f"{text[:1].upper()}{text[1:]}", text
    if unclear:
        text = f"could not determine whether the trained bits depend on {listed(unclear)}"
        return "inconclusive", f"{text[:1].upper()}{text[1:]}.", f"{text}."
    if not factors:
        return "inconclusive", "Nothing was varied.", "nothing was varied."
    return "repeated", f"The trained bits depend on nothing that was varied: {listed(free)}.", None


def of_memory(factors: Sequence[FactorResult], record: str) -> list[str]:
    """Return the note for a program whose bits depend on addresses. `record`: the record of the trials that show it."""
    names = [factor.id for factor in factors if any(value.moves_memory for value in factor.values)]
    if not names:
        return []
    what = f"the base setup has different bits with one more variable, which moves memory ({record})"
    return [
        f"{what}: for {listed(names)} there is no answer while the program depends on addresses (id(), sets of objects)"
    ]


def warnings(result: Result, users: Collection[str]) -> list[str]:
    """Return the warnings of the base setup.

    If a control that only vary holds could not be read back, its factor says so instead.
    """
    mute = [control for control in result.setup.controls if control.effect == "unreadable"]
    others = [text for text in result.warnings if text not in unread(mute)]
    return [*others, *unread([control for control in mute if controls.name_of(control.id) in users])]


def not_repeated(result: Result) -> str:
    """Return why nothing can be compared with the trials of one value; empty if they repeat."""
    if result.verdict == "repeated":
        return ""
    if result.verdict == "inconclusive":
        return (result.reason or result.sentence).rstrip(".")
    number = words.count(len(result.trials), "trial")
    return f"its own trials do not repeat ({number}, {result_words.models(result)})"
