"""Makes the report of an audit: the moments on a line of time, the table of the state, what happened, and the mend."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from samebits import words
from samebits.audit.mends import mends
from samebits.audit.result import AuditResult, Moment
from samebits.model import Verdict
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, StyledText, Table
from samebits.reports.tree import (
    CASE_STATES,
    HEADS,
    PAGE,
    AnyBlock,
    Code,
    Drawing,
    Facts,
    JUnitCase,
    Notes,
    Report,
    Section,
    meaning,
)

__all__ = ["report"]

SAYS = (
    "carried: both runs hold the same bits when the first resumed step begins.",
    "not used: no compared step depends on it. A longer run may.",
    "not seen: samebits cannot look into it. Only its effect on the compared values would show.",
)
DOES_NOT_SAY = (
    "Moments that were not tried may behave differently: errors at an epoch's boundary do not show in its middle.",
    "A different number of ranks or of loader workers is a different question.",
)
_COLOURS: dict[Verdict, str] = {"repeated": "#2e7d32", "diverged": "#c62828", "inconclusive": "#757575"}
WIDE, TALL, LEFT = 420, 26, 70


def report(result: AuditResult) -> Report:
    """Return the report, for every format."""
    return Report(
        verdict=result.verdict,
        head=_head(result),
        title="Resumed against uninterrupted",
        headline=result.sentence,
        advice=result.advice,
        command=(shlex.join(result.command),),
        blocks=tuple(_blocks(result)),
        footer="Made from audit.json.",
        created=result.created,
        document=result,
        cases=tuple(_cases(result)),
    )


def _head(result: AuditResult) -> str:
    """Return the verdict. It claims nothing about checkpoints that were not tried."""
    done = len({one.checkpoint.step for one in result.moments})
    is_all = done >= len(result.checkpoints) and all(one.to_the_end for one in result.moments)
    if result.verdict != "repeated" or is_all:
        return HEADS[result.verdict]
    return f"{HEADS[result.verdict]} WHERE WE LOOKED: {done} of {words.count(len(result.checkpoints), 'window')}"


def _cases(result: AuditResult) -> Iterator[JUnitCase]:
    """Yield a test for each moment; one error if there is none."""
    if not result.moments:
        yield JUnitCase("samebits.audit", shlex.join(result.command), "error", result.sentence, result.advice)
    for one in result.moments:
        again = " again" if one.again else ""
        name = f"{shlex.join(result.command)} resumed{again} from step {one.checkpoint.step}"
        state = CASE_STATES[one.verdict]
        text = "\n".join([*one.named, *(f"{part.part}: {part.answer} {part.detail}".strip() for part in one.state)])
        forgotten = (("forgotten", ", ".join(one.forgotten)), ("steps", str(one.steps)))
        yield JUnitCase("samebits.audit", name, state, one.sentence, text, forgotten)


def _blocks(result: AuditResult) -> Iterator[AnyBlock]:
    for one in result.moments:
        yield from _moment(one)
    if result.moments:
        yield Drawing("windows", "", "The compared windows", _CAPTION, "", "", _drawing(result), is_small=True, on=PAGE)
        yield from _table(result)
    bad = next((one for one in result.moments if one.verdict == "diverged"), None)
    for title, text in mends(bad.forgotten if bad else [], result.packages):
        yield Code(text, title)
    yield Facts(tuple(_facts(result)))
    if result.warnings:
        yield Notes(tuple(result.warnings))
    yield meaning(SAYS, DOES_NOT_SAY)


_CAPTION = (
    "The grey line is the uninterrupted run, with a tick for each checkpoint. Each bar is a resumed run: green if it "
    "has the same bits, red from the step at which it differs."
)


def _moment(one: Moment) -> Iterator[AnyBlock]:
    """Yield what happened after one resume."""
    again = " again" if one.again else ""
    title = f"Resumed{again} from step {one.checkpoint.step} ({one.checkpoint.path})"
    rows: list[tuple[str, Cell]] = [("answer", one.sentence)]
    if one.divergence is not None:
        where = one.divergence
        rows.append(("where", f"step {where.step} > {where.kind} > {where.name}"))
    rows += [("what" if not at else "", text) for at, text in enumerate(one.named)]
    rows += [("graft", one.graft.sentence)] if one.graft is not None else []
    compared = f"{words.count(one.points, 'value')} in {words.count(one.steps, 'step')}"
    compared += f"; {one.left_out:,} that only one of the runs has are left out" if one.left_out else ""
    rows += [("compared", compared), ("record", StyledText(result_words.folder_name(one.record), "code"))]
    anchor = f"step-{one.checkpoint.step}{'-again' * one.again}"
    yield Section(title, anchor, (Facts(tuple(rows)),), title, is_set_in=True)


def _table(result: AuditResult) -> Iterator[Table]:
    """Yield the table of the state: a row for each part, a column for each moment."""
    shown = [one for one in result.moments if one.state]
    parts = list(dict.fromkeys(part.part for one in shown for part in one.state))
    if not parts:
        return
    columns = [Column("state")]
    columns += [Column(f"step {one.checkpoint.step}{' again' * one.again}", wide=True) for one in shown]
    rows: list[tuple[Cell, ...]] = [(part, *(_cell(one, part) for one in shown)) for part in parts]
    yield Table("state", "", tuple(columns), tuple(rows))


def _cell(one: Moment, name: str) -> str:
    part = next((part for part in one.state if part.part == name), None)
    if part is None:
        return "not seen"
    return f"{part.answer} ({part.detail})" if part.detail and part.answer != "carried" else part.answer


def _facts(result: AuditResult) -> Iterator[tuple[str, Cell]]:
    yield "command", StyledText(shlex.join(result.command), "command")
    yield from [("resume", StyledText(shlex.join(result.resume), "command"))] if result.resume else []
    yield from [("tried", "; ".join(result.tried))] if result.tried else []
    yield from [("not tried", "; ".join(result.not_tried))] if result.not_tried else []
    yield "time", words.span(result.seconds)
    yield "record", StyledText(result_words.folder_name(result.record), "code")


def _drawing(result: AuditResult) -> str:
    """Draw the uninterrupted run, its checkpoints, and a bar for each resumed run. Returns a data URL."""
    last = max(result.steps, 1)

    def at(step: int) -> float:
        return round(LEFT + (WIDE - LEFT - 10) * step / last, 1)

    pieces = [f'<line x1="{at(0)}" x2="{at(last)}" y1="16" y2="16" stroke="#90a4ae" stroke-width="3"/>']
    ticks = [at(one.step) for one in result.checkpoints]
    pieces += [f'<line x1="{x}" x2="{x}" y1="8" y2="24" stroke="#546e7a"/>' for x in ticks]
    pieces.append(_label("whole run", 20))
    for row, one in enumerate(result.moments, 1):
        pieces.append(_label(f"{'again ' * one.again}step {one.checkpoint.step}", 20 + TALL * row))
        pieces += _bars(one, at, 10 + TALL * row)
    pieces.append(_label("0", 24 + TALL * (len(result.moments) + 1), at(0)))
    pieces.append(_label(f"{last:,}", 24 + TALL * (len(result.moments) + 1), at(last) - 20))
    tall = 34 + TALL * (len(result.moments) + 1)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}">{"".join(pieces)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _bars(one: Moment, at: Callable[[int], float], top: int) -> list[str]:
    begin = one.checkpoint.step if one.offset is None else one.offset
    end = begin + max(one.steps, 1)
    turn = end if one.divergence is None else min(one.divergence.step, end)
    colour = _COLOURS["inconclusive" if one.verdict == "inconclusive" else "repeated"]
    bars = [(begin, turn, colour)]
    bars += [(turn, max(end, turn + 1), _COLOURS["diverged"])] if one.verdict == "diverged" else []
    return [
        f'<rect x="{at(first)}" y="{top}" width="{max(at(last) - at(first), 2):.1f}" height="10" fill="{fill}"/>'
        for first, last, fill in bars
        if last > first
    ]


def _label(text: str, y: int, x: float = 2) -> str:
    return f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="11" fill="#607d8b">{escape(text)}</text>'
