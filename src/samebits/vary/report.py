"""Makes the report of vary: a line for each factor, then what was held, and how to look closer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from samebits import words
from samebits.model import Divergence, Verdict
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, StyledText, Table, WordLines, numbers
from samebits.reports.tree import (
    BRIEF,
    CASE_STATES,
    PAGE,
    SCREEN,
    AnyBlock,
    Facts,
    JUnitCase,
    Mark,
    Marks,
    Notes,
    Report,
    Section,
    SideBySide,
    Text,
    meaning,
)
from samebits.vary.result import End, FactorAnswer, FactorResult, Outcome, Value, VaryResult, grouped

HEADS: dict[Verdict, str] = {"diverged": "IT DEPENDS", "repeated": "INDEPENDENT", "inconclusive": "NO ANSWER"}
MARKS: dict[FactorAnswer, str] = {"depends": "!=", "independent": "=", "unsettled": "?", "no-effect": "-"}
ANSWERS: dict[FactorAnswer, str] = {
    "depends": "the bits depend on it",
    "independent": "the same bits",
    "unsettled": "cannot tell",
    "no-effect": "it could not take effect",
}
MOST_OUTCOMES = 3
SAYS = (
    "samebits varied each factor alone, and held everything else as in the base setup.",
    "It first compared the trials of each value with each other. A value whose own trials diverge gives no answer.",
)


def report(result: VaryResult) -> Report:
    """Make the report of a result of vary."""
    factors = told_factors(result)
    return Report(
        verdict=result.verdict,
        head=HEADS[result.verdict],
        headline=headline(result),
        advice=result.advice or "",
        command=tuple(filter(None, [shlex.join(result.setup.command), result.setup.python])),
        marks=Marks(tuple(map(_mark, factors)), "factors that were varied") if factors else None,
        blocks=(
            *([_factors(factors)] if factors else []),
            *_facts(result),
            _meaning(result),
            *(_of_factor(factor) for factor in factors),
            _setup(result),
            *_left_and_noted(result),
        ),
        footer="Made from vary.json. samebits report RECORD shows each record.",
        created=result.created,
        document=result,
        cases=(_case(result),),
    )


def _case(result: VaryResult) -> JUnitCase:
    """Return the answer as one test, which is named by the command and fails if the bits depend on something."""
    factors = told_factors(result)
    lines = [f"{factor.id}: {text}" for factor in factors if factor.answer != "independent" for text in _lines(factor)]
    return JUnitCase(
        "samebits.vary",
        shlex.join(result.setup.command),
        CASE_STATES[result.verdict],
        headline(result),
        "\n".join(map(words.one_line, [*lines, *filter(None, [result.advice])])),
        (
            *((f"factor.{factor.id}", factor.answer) for factor in factors),
            *((f"values.{factor.id}", ",".join(value.value for value in factor.values)) for factor in factors),
            *([("record", result.record)] if result.record else []),
        ),
        seconds=result.seconds,
    )


def told_factors(result: VaryResult) -> list[FactorResult]:
    """Return the factors that get a line: those that could take effect, and those that the user named."""
    return [factor for factor in result.factors if factor.named or factor.answer != "no-effect"]


def headline(result: VaryResult) -> str:
    """Return the answer with its evidence."""
    number = len(told_factors(result))
    if not number:
        return result.sentence
    each = f"{words.count(result.trials, 'trial')} of each value, {_steps_text(result)}"
    return f"{result.sentence} {words.count(number, 'factor')} varied, {each}."


def _steps_text(result: VaryResult) -> str:
    """Return ``all 40 steps``, or ``the first 20 steps``."""
    steps = words.count(result.steps, "step")
    if result.scope == "prefix":
        return words.beginning(result.steps, "step")
    return f"all {steps}" if result.steps > 1 else steps if result.steps else "by the files they wrote"


def _mark(factor: FactorResult) -> Mark:
    return Mark(factor.id, MARKS[factor.answer], ANSWERS[factor.answer], factor.does.rstrip("."))


def _factors(rows: list[FactorResult]) -> Table:
    """Make a row for each factor: its mark, the values that were compared (the base first), what was seen."""
    body = [(StyledText(row.id, "code"), MARKS[row.answer], _tried(row), WordLines(tuple(_lines(row)))) for row in rows]
    columns = (Column("factor"), Column(""), Column("values"), Column("what was seen", wide=True))
    return Table("factors", "", columns, tuple(body), on=BRIEF)


def _tried(factor: FactorResult) -> str:
    base, *others = [value.value for value in factor.values]
    return f"{base} | {', '.join(others)}"


def _lines(factor: FactorResult) -> list[str]:
    """Return the lines about a factor: one for each value with something of its own to say."""
    if factor.groups:
        return [*grouped(factor), *_differing(factor)]
    if factor.answer in ("unsettled", "no-effect"):
        return [factor.sentence, *_differing(factor)]
    return list(_differing(factor)) or [_rest(factor)]


def _differing(factor: FactorResult) -> Iterator[str]:
    for value in factor.values:
        if value.divergence is not None:
            yield f"{value.value}: from {_where(value.divergence)}"
            yield from (f"{value.value}: at the end {text}" for text in [_end(value.end)] if text)
        elif value.status in ("unsettled", "no-effect") and factor.answer == "depends":
            yield f"{value.value}: cannot tell: {value.why}"


def _where(divergence: Divergence) -> str:
    """Return ``step 0 > forward > loss (1 of 1 value, at most 2 ULP)``."""
    size = result_words.size(divergence)
    return " > ".join(result_words.path(divergence)) + (f" ({size})" if size else "")


def _end(end: End | None) -> str:
    """Return how far the outcome is from that of the base; empty if no trial reached its end."""
    if end is None:
        return ""
    parts = []
    if end.weights:
        differ = words.agree(end.different, "differs", "differ")
        parts.append(f"{end.different} of {words.count(end.weights, 'tensor')} {differ}")
    if end.relative is not None:
        parts.append(f"{end.largest_name} by {end.relative:.2g} of its norm")
    return "; ".join([*parts, *map(_outcome, end.outcomes[:MOST_OUTCOMES])])


def _outcome(outcome: Outcome) -> str:
    """Return ``last loss 0.2513 became 0.2514``, with as many digits as tell the two apart."""
    if outcome.base == outcome.value:
        return f"{outcome.name} {outcome.base:.6g} in both"
    texts = [f"{outcome.base:.6g}", f"{outcome.value:.6g}"]
    base, value = texts if texts[0] != texts[1] else [repr(outcome.base), repr(outcome.value)]
    return f"{outcome.name} {base} became {value}"


def _rest(factor: FactorResult) -> str:
    without = [f"{value.value} had no effect: {value.why}" for value in factor.values if value.status == "no-effect"]
    return "; ".join([ANSWERS["independent"], *without])


def _facts(result: VaryResult) -> Iterator[AnyBlock]:
    """Yield the facts below the factors. A page shows them in its own sections."""
    facts: list[tuple[str, Cell]] = [("held", _held_text(result))] if result.factors else []
    facts += [("without", text) for text in _left_out(result)] if result.factors else []
    facts += [("chance", _chance(result))] if result.verdict == "diverged" else []
    if facts:
        yield Facts(tuple(facts), on=BRIEF)
    look = _look(result)
    commands = [("do this", result.advice or ""), ("look", look)]
    if any(command for _, command in commands):
        yield Facts(tuple((name, StyledText(command, "command")) for name, command in commands if command), on=SCREEN)
    if result.warnings:
        yield Notes(tuple(result.warnings), on=BRIEF)


def _held_text(result: VaryResult) -> str:
    """Name the factors that were held while others were varied, without the controls that the user asked for."""
    varied = {factor.id for factor in result.factors}
    return ", ".join(f"{name}={value}" for name, value in result.held.items() if name not in varied) or "nothing else"


def _chance(result: VaryResult) -> str:
    """Say how often a training that does not repeat would look like this by chance."""
    number = words.count(round(1 / result.by_chance), "case")
    return f"for one value, noise with two equally likely outcomes would look like this in 1 of {number}"


def _left_out(result: VaryResult) -> list[str]:
    """Return the factors that were not varied or could not take effect, grouped by the reason."""
    listed = told_factors(result)
    silent = {factor.id: factor.values[-1].why for factor in result.factors if factor not in listed}
    reasons: dict[str, list[str]] = {}
    for name, why in {**silent, **result.left_out}.items():
        reasons.setdefault(why, []).append(name)
    return [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def _look(result: VaryResult) -> str:
    """Return the command that shows more of the first value that differs or does not repeat; empty if none does."""
    values = [value for factor in result.factors for value in factor.values]
    first = next((value for value in values if value.status in ("differs", "unsettled") and value.record), None)
    if first is None:
        return ""
    folder = result_words.folder_name(result.record)
    other = f"{folder}/{first.record}"
    return f"samebits compare {folder}/base {other}" if first.divergence is not None else f"samebits report {other}"


def _meaning(result: VaryResult) -> SideBySide:
    chance = (f"By chance, {_chance(result)}.",) if result.verdict == "diverged" else ()
    does_not = (
        "Other values of these factors, and two factors at a time, were not tried.",
        f"{result.trials} trials of each value can miss a rare effect. The answer holds for this machine only.",
    )
    return meaning((*SAYS, *chance), does_not)


def _of_factor(factor: FactorResult) -> Section:
    """Make the section of a factor on a page: what was seen, and each value."""
    heads = ("value", "against the base", "in force", "trials", "model", "record")
    columns = (Column(heads[0]), Column(heads[1], wide=True), Column(heads[2]), *numbers(heads[3]),
               Column(heads[4]), Column(heads[5]))  # fmt: skip
    rows = tuple(
        (
            StyledText(value.value, "code"), _status(value),
            value.in_force or "unknown", str(value.trials), StyledText(result_words.model_name(value.model), "code"),
            StyledText(value.record or "", "code"),
        )
        for value in factor.values
    )  # fmt: skip
    notes = [Notes(tuple(_lines(factor)), "")] if factor.answer != "independent" else []
    values = Table(f"values of {factor.id}", "", columns, rows)
    title = f"{factor.id}: {ANSWERS[factor.answer]}"
    return Section(title, f"factor-{factor.id}", (Text(factor.does), *notes, values), on=PAGE)


def _status(value: Value) -> str:
    """Return what is known of a value, in words, with the reason."""
    text = {"no-effect": ANSWERS["no-effect"], "unsettled": ANSWERS["unsettled"]}.get(value.status, value.status)
    return f"{text}: {value.why}" if value.why else text


def _setup(result: VaryResult) -> Section:
    setup = result.setup
    facts: tuple[tuple[str, Cell], ...] = (
        ("held", _held_text(result)),
        ("controls", ", ".join(control.id for control in setup.controls)),
        ("interpreter", setup.python or "not seen"),
        ("packages", ", ".join(f"{name} {version}" for name, version in setup.packages.items())),
        ("processor", str(setup.machine.get("processor", "not seen"))),
        ("steps", _steps_text(result)),
        ("time", words.span(result.seconds)),
        ("records", StyledText(result_words.folder_name(result.record), "code")),
    )
    return Section("Setup", "setup", (Facts(tuple(fact for fact in facts if fact[1])),), on=PAGE)


def _left_and_noted(result: VaryResult) -> Iterator[Section]:
    parts = (("Not varied, or without effect", "left-out", _left_out(result)),
             ("Notes on the base setup", "notes", result.warnings))  # fmt: skip
    for title, anchor, lines in parts:
        if lines:
            yield Section(title, anchor, (Notes(tuple(lines), ""),), on=PAGE)
