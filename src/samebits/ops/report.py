"""Makes the report of an operator replay: the sentence, then each place that differed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from samebits.ops.documents import VERDICTS, DifferingPlace, DifferingResult, ReplayResult
from samebits.reports.result_words import size_words
from samebits.reports.table import Cell, StyledText
from samebits.reports.tree import CASE_STATES, HEADS, SCREEN, AnyBlock, Facts, JUnitCase, Notes, Report, Section, Text
from samebits.words import count, one_line, span

MOST_PLACES = 20
PHASES = ("forward", "backward", "optimizer")


def report(result: ReplayResult) -> Report:
    """Return the report, for every format."""
    verdict = VERDICTS[result.outcome]
    return Report(
        verdict=verdict,
        head=HEADS[verdict],
        headline=result.sentence,
        took=f"   {span(result.seconds)}",
        advice=result.advice or "" if result.outcome == "nothing" else "",
        command=tuple(filter(None, [shlex.join(result.command), result.python])),
        blocks=tuple(_blocks(result)),
        document=result,
        cases=(_case(result),),
    )


def _case(result: ReplayResult) -> JUnitCase:
    """Return the replay as one test, named by its command. Each place that differed is a line of its failure."""
    lines = [f"{place.operator}   {place.phase}   {_where(place, several=True)}" for place in result.differed]
    counts = {phase: _replayed_calls(result, phase) for phase in PHASES}
    return JUnitCase(
        "samebits.ops",
        shlex.join(result.command),
        CASE_STATES[VERDICTS[result.outcome]],
        result.sentence,
        "\n".join(map(one_line, [*lines, *filter(None, [result.advice])])),
        (
            ("outcome", result.outcome),
            ("steps", " ".join(map(str, result.steps))),
            *((f"calls.{phase}", str(number)) for phase, number in counts.items()),
            ("operators.differed", " ".join(dict.fromkeys(place.operator for place in result.differed))),
        ),
        seconds=result.seconds,
    )


def _replayed_calls(result: ReplayResult, phase: str) -> int:
    return sum(operator.replayed for operator in result.operators if operator.phase == phase)


def _blocks(result: ReplayResult) -> Iterator[AnyBlock]:
    if result.outcome != "nothing":
        yield Text(_counts(result))
    for number, place in enumerate(result.differed[:MOST_PLACES], 1):
        title = f"{place.operator}   {place.phase}"
        facts = Facts(tuple(_facts(place, result)))
        yield Section(title, f"place-{number}", (facts,), said=f"   {number}  {title}", is_set_in=True)
    if len(result.differed) > MOST_PLACES:
        yield Text(f"and {count(len(result.differed) - MOST_PLACES, 'more place')} (--json FILE has all)")
    unset = [f"{row.operator} ({row.result}: {row.elements:,} of {row.of:,})" for row in result.unwritten]
    if unset:
        yield Facts((("unset", f"elements that the operator never wrote, not compared: {', '.join(unset)}"),))
    failed = [f"{failure.operator} could not be replayed: {failure.why}" for failure in result.failed]
    if failed or result.notes:
        yield Notes((*failed, *result.notes))
    if result.outcome == "nothing" and result.advice:
        yield Facts((("do this", StyledText(result.advice, "command")),), on=SCREEN)


def _counts(result: ReplayResult) -> str:
    """Write `calls replayed: forward 12, backward 30, optimizer 8; each run again 4 times`."""
    calls = {phase: _replayed_calls(result, phase) for phase in PHASES}
    text = ", ".join(f"{phase} {number:,}" for phase, number in calls.items() if number)
    has_more = any(operator.replays > operator.replayed * result.repeats for operator in result.operators)
    at_least = "at least " if has_more else ""  # calls that may race get more replays
    return f"calls replayed: {text}; each run again {at_least}{count(result.repeats, 'time')}"


def _facts(place: DifferingPlace, result: ReplayResult) -> Iterator[tuple[str, Cell]]:
    calls = sum(row.replayed for row in result.operators if (row.overload, row.phase) == (place.overload, place.phase))
    differed = f"{place.differed:,} of {count(calls, 'call')} differed"
    yield "times", f"{differed}, in {place.replays_differed:,} of {count(place.replays, 'replay')}"
    yield "where", _where(place, several=len(result.steps) > 1)
    if place.memory:
        yield "why", "it reads memory that nobody wrote, whose content decides the bits"
    yield "inputs", ", ".join(place.inputs) or "none"
    yield from (("size", _size(output)) for output in place.results)


def _size(output: DifferingResult) -> str:
    text = size_words(output.size) or "not measured: too large to be kept"
    looks = f"; looks {output.size.looks}" if output.size is not None and output.size.looks else ""
    return f"{output.name} {output.dtype}{output.shape}: {text}{looks}"


def _where(place: DifferingPlace, *, several: bool) -> str:
    code = f"{place.file}:{place.line}  {place.source}".rstrip() if place.line else "a line that is not known"
    code = f"{place.node}, backward of {code}" if place.phase == "backward" and place.node else code
    parts = [code, f"module {place.module}" if place.module else "", f"overload {place.overload}"]
    parts += [f"step {place.step}"] if several else []
    return "   ".join(part for part in parts if part)
