"""The words that all reports of vary share."""

from __future__ import annotations

from samebits import words
from samebits.model import Divergence
from samebits.reports import result_words
from samebits.vary.result import End, FactorResult, Outcome, Value, VaryResult

HEADS = {"diverged": "IT DEPENDS", "repeated": "INDEPENDENT", "inconclusive": "NO ANSWER"}
MARKS = {"depends": "!=", "independent": "=", "unsettled": "?", "no-effect": "-"}
ANSWERS = {
    "depends": "the bits depend on it",
    "independent": "the same bits",
    "unsettled": "cannot tell",
    "no-effect": "it could not take effect",
}
MOST_OUTCOMES = 3


def told(result: VaryResult) -> list[FactorResult]:
    """The factors that have a line of their own: those that could take effect, and those that were asked for."""
    return [factor for factor in result.factors if factor.named or factor.answer != "no-effect"]


def headline(result: VaryResult) -> str:
    """The answer, and what it was taken from."""
    number = len(told(result))
    if not number:
        return result.sentence
    each = f"{words.count(result.trials, 'trial')} of each value, {compared(result)}"
    return f"{result.sentence} {words.count(number, 'factor')} varied, {each}."


def compared(result: VaryResult) -> str:
    """all 40 steps, or the first 20 steps."""
    steps = words.count(result.steps, "step")
    if result.scope == "prefix":
        return f"the first {steps}"
    return f"all {steps}" if result.steps > 1 else steps if result.steps else "by the files they wrote"


def tried(factor: FactorResult) -> str:
    """The values that were compared, the base first: own | 1, 2."""
    base, *others = [value.value for value in factor.values]
    return f"{base} | {', '.join(others)}"


def where(divergence: Divergence) -> str:
    """step 0 > forward > loss (1 of 1 value, at most 2 ULP)."""
    size = result_words.size(divergence)
    return " > ".join(result_words.path(divergence)) + (f" ({size})" if size else "")


def end(found: End | None) -> str:
    """How far the outcome is from the base's; empty where nobody got there."""
    if found is None:
        return ""
    parts = []
    if found.weights:
        differ = words.agree(found.different, "differs", "differ")
        parts.append(f"{found.different} of {words.count(found.weights, 'tensor')} {differ}")
    if found.relative is not None:
        parts.append(f"{found.largest_name} by {found.relative:.2g} of its norm")
    parts += [outcome(one) for one in found.outcomes[:MOST_OUTCOMES]]
    return "; ".join(parts)


def outcome(one: Outcome) -> str:
    """last loss 0.2513 against 0.2514 here: in as many digits as tell them apart."""
    if one.base == one.value:
        return f"{one.name} {one.base:.6g} in both"
    shown = [f"{one.base:.6g}", f"{one.value:.6g}"]
    base, value = shown if shown[0] != shown[1] else [repr(one.base), repr(one.value)]
    return f"{one.name} {base} became {value}"


def facts(factor: FactorResult) -> list[str]:
    """What there is to say of a factor: a line for each value that says something of its own."""
    if factor.answer in ("unsettled", "no-effect"):
        return [factor.sentence, *_differing(factor)]
    return _differing(factor) or [_rest(factor)]


def _differing(factor: FactorResult) -> list[str]:
    found = []
    for value in factor.values:
        if value.divergence is not None:
            found.append(f"{value.value}: from {where(value.divergence)}")
            found += [f"{value.value}: at the end {said}" for said in [end(value.end)] if said]
        elif value.status in ("unsettled", "no-effect") and factor.answer == "depends":
            found.append(f"{value.value}: cannot tell: {value.why}")
    return found


def _rest(factor: FactorResult) -> str:
    without = [f"{value.value} had no effect: {value.why}" for value in factor.values if value.status == "no-effect"]
    return "; ".join([ANSWERS["independent"], *without])


def in_force(value: Value) -> str:
    """What the trials said of the value."""
    return value.in_force or "not told"


def held(result: VaryResult) -> str:
    """What of the machine was held while other factors were varied, beside the controls that the user asked for."""
    varied = {factor.id for factor in result.factors}
    return ", ".join(f"{name}={value}" for name, value in result.held.items() if name not in varied) or "nothing else"


def chance(result: VaryResult) -> str:
    """What a training that does not repeat would look like by chance."""
    number = words.count(round(1 / result.by_chance), "case")
    return f"noise with two equally likely outcomes would look so, at one value, in 1 of {number}"


def folder(result: VaryResult) -> str:
    """The folder of the records, as people type it here."""
    return result_words.folder_name(result.record)


def left_out(result: VaryResult) -> list[str]:
    """Factors that were not varied or could not take effect, and why; those with the same reason together."""
    silent = {factor.id: factor.values[-1].why for factor in result.factors if factor not in told(result)}
    reasons: dict[str, list[str]] = {}
    for name, why in {**silent, **result.left_out}.items():
        reasons.setdefault(why, []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def look(result: VaryResult) -> str:
    """The command that shows more: of the first value that differs or does not repeat; empty where there is none."""
    values = [value for factor in result.factors for value in factor.values]
    found = next((value for value in values if value.status in ("differs", "unsettled") and value.record), None)
    if found is None:
        return ""
    other = f"{folder(result)}/{found.record}"
    differs = found.divergence is not None
    return f"samebits compare {folder(result)}/base {other}" if differs else f"samebits report {other}"
