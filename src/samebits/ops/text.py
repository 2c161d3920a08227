"""Operator replay as text for the terminal: the sentence, then each place that differed."""

from __future__ import annotations

from collections.abc import Iterator

from samebits.ops.documents import DifferingPlace, ReplayResult
from samebits.reports.result_words import size_words
from samebits.words import count, one_line, span

HEADS = {"same": "=  SAME BITS", "differed": "!= DIFFERENT BITS", "nothing": "?  NO ANSWER"}
VERDICTS = {"same": "repeated", "differed": "diverged", "nothing": "inconclusive"}
MOST_PLACES = 20
PHASES = ("forward", "backward", "optimizer")


def render(result: ReplayResult) -> str:
    """The report, with a newline at its end."""
    lines = [f"{HEADS[result.outcome]}: {result.sentence}   {span(result.seconds)}"]
    if result.outcome != "nothing":
        lines.append(f"   {_counts(result)}")
    for number, place in enumerate(result.differed[:MOST_PLACES], 1):
        lines += _place(number, place, result)
    if len(result.differed) > MOST_PLACES:
        lines.append(f"   and {len(result.differed) - MOST_PLACES:,} places more (--json FILE holds all)")
    lines += _rest(result)
    return "\n".join(map(one_line, lines)) + "\n"


def _counts(result: ReplayResult) -> str:
    """forward 12 calls, backward 30 calls, optimizer 8 calls, each run 4 times more."""
    calls = {phase: sum(one.replayed for one in result.operators if one.phase == phase) for phase in PHASES}
    said = ", ".join(f"{phase} {number:,}" for phase, number in calls.items() if number)
    return f"calls replayed: {said}; each run {count(result.repeats, 'time')} more"


def _place(number: int, place: DifferingPlace, result: ReplayResult) -> Iterator[str]:
    calls = sum(one.replayed for one in result.operators if (one.overload, one.phase) == (place.overload, place.phase))
    yield f"   {number}  {place.operator}   {place.phase}"
    yield (
        f"      times   differed in {place.differed:,} of {count(calls, 'call')} there, "
        f"{place.replays_differed:,} of {count(place.replays, 'replay')}"
    )
    yield f"      where   {_where(place, several=len(result.steps) > 1)}"
    if place.memory:
        yield "      why     it reads memory that nobody wrote: what that holds decides the bits"
    yield f"      inputs  {', '.join(place.inputs) or 'none'}"
    for found in place.results:
        said = size_words(found.size) or "not measured: too large to be kept"
        looks = f"; looks {found.size.looks}" if found.size is not None and found.size.looks else ""
        yield f"      size    {found.name} {found.dtype}{found.shape}: {said}{looks}"


def _where(place: DifferingPlace, *, several: bool) -> str:
    code = f"{place.file}:{place.line}  {place.source}".rstrip() if place.line else "a line that is not known"
    code = f"{place.node}, backward of {code}" if place.phase == "backward" and place.node else code
    parts = [code, f"module {place.module}" if place.module else "", f"overload {place.overload}"]
    parts += [f"step {place.step}"] if several else []
    return "   ".join(part for part in parts if part)


def _rest(result: ReplayResult) -> Iterator[str]:
    unset = [f"{one.operator} ({one.result}: {one.elements:,} of {one.of:,})" for one in result.unwritten]
    if unset:
        yield f"   unset   elements that nobody wrote, not compared: {', '.join(unset)}"
    for one in result.failed:
        yield f"   note    {one.operator} could not be replayed: {one.why}"
    for note in result.notes:
        yield f"   note    {note}"
    if result.outcome == "nothing" and result.advice:
        yield f"   do this {result.advice}"
