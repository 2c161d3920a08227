"""A report on a terminal: plain lines that people understand in five seconds, with colour if a terminal shows it.

Colour adds nothing to the words. It is used only on a terminal, and never if NO_COLOR asks for none.
"""

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from samebits import words
from samebits.model import Verdict
from samebits.reports.screen import is_terminal, wants_colour
from samebits.reports.table import Cell, Column, StyledText, Table, WordLines
from samebits.reports.table import shown as text_of
from samebits.reports.tree import (
    SCREEN,
    AnyBlock,
    Code,
    Facts,
    FoldedBlock,
    Marks,
    NestedTree,
    Notes,
    Outcomes,
    Path,
    Report,
    Section,
    Text,
    TrialRows,
)

INDENT = "   "  # the indentation of the lines below the verdict
WIDEST = 160
LABELS = (6, 8)  # the width of labels; the second width is used if a label is longer than the first
NARROW = 80  # on narrower terminals facts stand under the trials instead of beside them
LEAST = 8  # a column keeps at least so many characters
MOST_HANG = 40

Span = tuple[int, int, str]  # first character, the one after the last, style
_CODES = {"repeated": "1;32", "diverged": "1;31", "inconclusive": "1;33", "mark": "1;31", "label": "2", "do": "33"}
_ACT = ("note", "do this")  # labels of lines that people should not miss


class TerminalLine(NamedTuple):
    """A line. `hang`: the indentation of its continuation if it is folded; None if it is never folded."""

    text: str
    hang: int | None = len(INDENT)
    spans: tuple[Span, ...] = ()


def render(report: Report, *, width: int | None = None, colour: bool = False) -> str:
    """Return the lines, ended by a newline.

    `width`: where prose is folded; None leaves lines whole (for a log or a pipe).
    """
    # a name without newlines cannot look like a line of a report
    safe = [line._replace(text=words.one_line(line.text)) for line in _report(report, width)]
    lines = [line for whole in safe for line in _folded(whole, width)]
    return "\n".join(_painted(line) if colour else line.text for line in lines) + "\n"


def shown(report: Report, stream: TextIO) -> str:
    """Return the report as this stream shows it: folded and coloured on a terminal, plain and whole elsewhere."""
    if not is_terminal(stream):
        return render(report)
    width = min(shutil.get_terminal_size((100, 24)).columns, WIDEST)
    return render(report, width=width, colour=wants_colour())


def _report(report: Report, width: int | None) -> Iterator[TerminalLine]:
    if report.verdict is not None:
        yield _head(report.sign, report.head, report.headline + report.took, report.verdict)
    label = _label_width(report.blocks)
    yield from _blocks(report.blocks, width, label)


def _head(sign: str, head: str, text: str, style: Verdict) -> TerminalLine:
    start = f"{sign:<2} {head}:"
    return TerminalLine(f"{start} {text}", len(INDENT) + LABELS[0] + 1, ((0, len(start), style),))


def _blocks(blocks: Iterable[AnyBlock], width: int | None, label: int) -> Iterator[TerminalLine]:
    """Yield the lines of the blocks that a terminal shows. Empty lines stand around a table with a title."""
    was_titled = False
    for block in blocks:
        if not block.on >= SCREEN:
            continue
        is_titled = isinstance(block, Table) and bool(block.title)
        if is_titled or was_titled:
            yield TerminalLine("")
        yield from _WRITERS[type(block)](block, width, label)
        was_titled = is_titled


def _label_width(blocks: Iterable[AnyBlock]) -> int:
    """Return the label width of consecutive facts, so that their words begin in one column."""
    labels = [name for block in blocks for name in _labels(block) if block.on >= SCREEN]
    return LABELS[max(map(len, labels), default=0) > LABELS[0]]


def _labels(block: AnyBlock) -> list[str]:
    if isinstance(block, TrialRows):
        return _labels(block.facts)
    if isinstance(block, Section) and not block.is_set_in:
        return [name for inner in block.blocks for name in _labels(inner) if inner.on >= SCREEN]
    return [name for name, _ in block.rows] if isinstance(block, Facts) else []


def _text(block: Text, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield TerminalLine(f"{INDENT}{block.text}".rstrip(), len(INDENT) + label + 1)


def _facts(block: Facts, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield from (_fact(name, cell, label) for name, cell in block.rows)


def _fact(name: str, cell: Cell, label: int, start: str = INDENT) -> TerminalLine:
    style = "do" if name in _ACT else "label"
    span = (len(start), len(start) + len(name), style)
    hang = None if isinstance(cell, StyledText) and cell.style == "command" else len(start) + label + 1
    return TerminalLine(f"{start}{name:<{label}} {text_of(cell)}".rstrip(), hang, (span,))


def _notes(block: Notes, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield from (_fact(block.label, note, label) for note in block.lines)


def _marks(block: Marks, width: int | None, label: int) -> Iterator[TerminalLine]:
    """`start = | rng = | gradient !=`, as many in a line as fit."""
    line, spans = INDENT, list[Span]()
    for place, mark in enumerate(block.marks):
        is_last = place == len(block.marks) - 1
        text = f"{mark.name} {mark.sign}" + (block.after if is_last else " | ")
        if width is not None and len(line) + len(text.rstrip()) > width and line.strip():
            yield TerminalLine(line.rstrip(), None, tuple(spans))
            line, spans = INDENT + " " * (label + 1), []
        if mark.sign == "!=":
            at = len(line) + len(mark.name) + 1
            spans.append((at, at + len(mark.sign), "mark"))
        line += text
    yield TerminalLine(line, None, tuple(spans))


def _path(block: Path, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield TerminalLine(INDENT + " > ".join(block.parts))


def _nested(block: NestedTree, width: int | None, label: int) -> Iterator[TerminalLine]:
    for depth, (sort, name, detail) in enumerate(block.stations):
        text = f"{sort:<8} {name}" + (f"   ({detail})" if detail else "")
        yield TerminalLine(f"{INDENT}  {'  ' * depth}{text}", len(INDENT) + 2 * depth + 11)


def _outcomes(block: Outcomes, width: int | None, label: int) -> Iterator[TerminalLine]:
    """Yield a line on each; if it is not complete, one more on how to complete it."""
    wide = max((len(outcome.name) for outcome in block.outcomes), default=0)
    for outcome in block.outcomes:
        start = f"{outcome.sign:<2} {outcome.name:<{wide}}"
        yield TerminalLine(
            f"{start}  {outcome.facts.replace('±', '+-')}", len(start) + 2, ((0, len(outcome.sign), outcome.verdict),)
        )
        if outcome.reason:
            yield TerminalLine(f"{'':<{len(start)}}  {outcome.reason}", None)


def _code(block: Code, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield from (TerminalLine(INDENT + line, None) for line in block.text.split("\n"))


def _section(block: Section, width: int | None, label: int) -> Iterator[TerminalLine]:
    if block.said:
        yield TerminalLine(block.said, len(INDENT) + label + 1)
    if not block.is_set_in:
        yield from _blocks(block.blocks, width, label)
        return
    room = None if width is None else width - len(INDENT)
    for line in _blocks(block.blocks, room, _label_width(block.blocks)):
        spans = tuple((first + len(INDENT), last + len(INDENT), style) for first, last, style in line.spans)
        yield TerminalLine(INDENT + line.text, line.hang and line.hang + len(INDENT), spans)


def _folded_block(block: FoldedBlock, width: int | None, label: int) -> Iterator[TerminalLine]:
    yield from _blocks(block.blocks, width, label)


def _trials(block: TrialRows, width: int | None, label: int) -> Iterator[TerminalLine]:
    """Yield the trials on the left and the facts on the right; on a narrow terminal, the facts below the trials."""
    if width is not None and width < NARROW:
        yield from (_bar(row) for row in block.rows)
        yield from _facts(block.facts, width, label)
        return
    wide = max(map(len, block.rows), default=0)
    for row, fact in itertools.zip_longest(block.rows, block.facts.rows):
        bar = _bar(row or "")
        if fact is None:
            yield bar
            continue
        name, cell = fact
        beside = _fact(name, cell, label, f"{bar.text:<{len(INDENT) + wide}}    ")
        yield beside._replace(spans=(*bar.spans, *beside.spans), hang=beside.hang and _hang(beside.hang, width))


def _bar(row: str) -> TerminalLine:
    """`1 [=!      ] A`: the sign at which the trial diverges is marked."""
    at = row.find("!", 0, row.find("]"))
    spans = () if at < 0 else ((at + len(INDENT), at + len(INDENT) + 1, "mark"),)
    return TerminalLine(f"{INDENT}{row}".rstrip(), len(INDENT), spans)


def _table(table: Table, width: int | None, label: int) -> Iterator[TerminalLine]:
    if table.title:
        yield TerminalLine(INDENT + table.title)
    yield from _rows(table, width)
    yield from (TerminalLine(f"{INDENT}  {note}", len(INDENT) + label + 1) for note in table.notes)


def _rows(table: Table, width: int | None) -> Iterator[TerminalLine]:
    """Yield the rows.

    If the screen is too narrow, the widest columns are cut, but the last column is folded if it is prose.
    """
    heads = [column.head for column in table.columns]
    texts = [heads] if any(heads) else []
    texts += [line for row in table.rows for line in _lines(row)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(heads))] if texts else []
    is_prose = [column.wide for column in table.columns] == [False] * (len(heads) - 1) + [True]
    if is_prose:
        widths[-1:] = [0] * len(widths[-1:])
    room = None if width is None else width - len(INDENT) - 2 * (len(widths) - 1)
    while room is not None and sum(widths) > room and max(widths) > LEAST:
        widths[widths.index(max(widths))] -= 1
    hang = _hang(len(INDENT) + sum(widths) + 2 * (len(widths) - 1), width) if is_prose else None
    for row in texts:
        cells = list(map(_padded, row, widths, table.columns))
        yield TerminalLine(f"{INDENT}{'  '.join(cells)}".rstrip(), hang)


def _hang(wanted: int, width: int | None) -> int:
    """Return an indentation that leaves at least a half of the screen to the words."""
    return min(wanted, MOST_HANG if width is None else min(MOST_HANG, width // 2))


def _lines(row: Sequence[Cell]) -> list[list[str]]:
    """Return a row, in as many lines as its tallest cell has."""
    cells = [list(cell.lines) if isinstance(cell, WordLines) else [text_of(cell)] for cell in row]
    texts = itertools.zip_longest(*cells, fillvalue="")
    return [[words.one_line(text) for text in line] for line in texts]


def _padded(text: str, width: int, column: Column) -> str:
    """Pad the text to its column, or cut it. A width of 0 stands for prose, which is folded."""
    if width and len(text) > width:
        text = text[: width - 1] + "~"
    return text.rjust(width) if column.number else text.ljust(width)


def _folded(line: TerminalLine, width: int | None) -> Iterator[TerminalLine]:
    """Folds the line at spaces.

    Continuation lines begin below the words beside the label. A command is never cut, because people copy it.
    """
    if width is None or line.hang is None or len(line.text) <= width:
        yield line
        return
    wide = max(40, width)
    hang = " " * line.hang
    first, *rest = textwrap.wrap(
        line.text, wide, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    ) or [line.text]
    yield line._replace(text=first)
    yield from (TerminalLine(text) for text in rest)


def _painted(line: TerminalLine) -> str:
    """Return the text with the escapes of its spans; the words stay as they are."""
    text = line.text
    for first, last, style in sorted(line.spans, reverse=True):
        text = f"{text[:first]}\x1b[{_CODES[style]}m{text[first:last]}\x1b[0m{text[last:]}"
    return text


_WRITERS: dict[type[AnyBlock], Callable[[Any, int | None, int], Iterator[TerminalLine]]] = {
    Text: _text, Facts: _facts, Notes: _notes, Marks: _marks, Path: _path, NestedTree: _nested,
    Outcomes: _outcomes, Code: _code,
    Section: _section, FoldedBlock: _folded_block, TrialRows: _trials, Table: _table,
}  # fmt: skip
