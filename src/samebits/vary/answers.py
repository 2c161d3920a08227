"""From what the trials of each value showed to what is said of a factor, and of all of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from samebits import controls, words
from samebits.comparison.warnings import unread
from samebits.model import Result, Verdict
from samebits.reports import result_words
from samebits.vary.factor import Factor
from samebits.vary.result import Answer, FactorResult, Value
from samebits.words import listed

STOPPED = "vary was stopped before"
MOVES_MEMORY = "different bits, but trials whose memory merely lies elsewhere have different bits, too"
MAY_MOVE_MEMORY = "different bits, but it moves memory, and the two effects were not separated"
DRIFTS = "different bits, but the base setup has different bits by now, too: something else changed (the time, a file)"
MAY_DRIFT = "different bits, but the base setup could not be run again after it"
TRIALS_AFTER = 2  # of the base setup, after a value with other bits


def by_chance(trials: int) -> float:
    """The chance that a training with two equally likely outcomes falls apart just so between two values.

    All trials of the base in one outcome, those that follow too, all of the other value in the other: 2 / 2^(2n + 2).
    """
    return 2.0 ** (1 - 2 * trials - TRIALS_AFTER)


def same_or_no_effect(factor: Factor, base: str | None, here: str | None) -> tuple[bool, str]:
    """Whether equal bits say something, that is, whether the value took effect; and why they do not."""
    if base is None or here is None:
        return False, factor.why_no_effect()
    if base == here:
        return False, f"it was in force for the base value too: {here}{factor.unchanged}"
    return True, ""


def of_factor(factor: Factor, values: Sequence[Value], *, named: bool) -> FactorResult:
    """What is said of a factor whose values have been tried."""
    answer = _answer(values)
    return FactorResult(
        id=factor.id,
        does=factor.does(),
        answer=answer,
        sentence=_SENTENCES[answer](values),
        named=named,
        values=list(values),
    )


def _answer(values: Sequence[Value]) -> Answer:
    statuses = [value.status for value in values]
    if "differs" in statuses:
        return "depends"
    if "unsettled" in statuses:
        return "unsettled"
    return "independent" if "same" in statuses else "no-effect"


def _depends(values: Sequence[Value]) -> str:
    found = [value for value in values if value.status == "differs" and value.divergence is not None]
    first = found[0].divergence
    assert first is not None
    named = ", ".join(value.value for value in found)
    return f"the bits depend on it: {named} against {values[0].value}, {result_words.part(first)}"


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
    """(verdict, sentence, reason). What had no effect counts only where the user asked for it, or nothing else did.

    `left`: factors whose turn has not come.
    """
    depends = [factor.id for factor in factors if factor.answer == "depends"]
    free = [factor.id for factor in factors if factor.answer == "independent"]
    unclear = [f.id for f in factors if f.answer == "unsettled" or (f.answer == "no-effect" and (f.named or not free))]
    if depends:
        return "diverged", f"The trained bits depend on {listed(depends)}.", None
    if left:
        said = f"{listed(left)} {'was' if len(left) == 1 else 'were'} not varied: {STOPPED}."
        return "inconclusive", f"{said[:1].upper()}{said[1:]}", said
    if unclear:
        said = f"could not determine whether the trained bits depend on {listed(unclear)}"
        return "inconclusive", f"{said[:1].upper()}{said[1:]}.", f"{said}."
    if not factors:
        return "inconclusive", "Nothing was varied.", "nothing was varied."
    return "repeated", f"The trained bits depend on nothing that was varied: {listed(free)}.", None


def of_memory(factors: Sequence[FactorResult], record: str) -> list[str]:
    """What else is to be said where bits follow addresses. `record`: of the trials that show it."""
    named = [factor.id for factor in factors if any(value.moves_memory for value in factor.values)]
    if not named:
        return []
    what = f"the base setup has different bits with one more variable, which moves memory ({record})"
    return [
        f"{what}: for {listed(named)} there is no answer while the program follows addresses (id(), sets of objects)"
    ]


def warnings(result: Result, users: Collection[str]) -> list[str]:
    """What was said aloud of the base. That what we hold could not be read back is said of the factor instead."""
    mute = [control for control in result.setup.controls if control.effect == "unreadable"]
    others = [text for text in result.warnings if text not in unread(mute)]
    return [*others, *unread([control for control in mute if controls.name_of(control.id) in users])]


def not_repeated(result: Result) -> str:
    """Why the trials of one value are nothing to compare with; empty where they repeat."""
    if result.verdict == "repeated":
        return ""
    if result.verdict == "inconclusive":
        return (result.reason or result.sentence).rstrip(".")
    number = words.count(len(result.trials), "trial")
    return f"it does not repeat within itself ({number}, {result_words.models(result)})"
