"""A report in Markdown: for a pull request, a job summary, an issue. Every text from outside is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from samebits import words
from samebits.reports.table import Cell, StyledText, Table, WordLines, shown
from samebits.reports.tree import (
    MARKDOWN,
    AnyBlock,
    Code,
    Drawing,
    Facts,
    FoldedBlock,
    Marks,
    NestedTree,
    Notes,
    Outcomes,
    Path,
    Report,
    Section,
    SideBySide,
    Text,
)

__all__ = ["code", "escaped", "render", "table"]

MOST_OPEN = 25  # a table with more rows is folded
# what would start markup in the middle of a line; a backslash before it is dropped by every Markdown
SPECIAL = "\\`*_{}[]<>()#+!|~"


def render(report: Report, *, heading: str = "##") -> str:
    """Return a document. `heading`: the marks before its heading; its sections have one more."""
    headed = f"{report.sign} {report.head}"
    parts = [
        f"{heading} {escaped(report.title) or headed}",
        (f"{headed}: " if report.title and report.verdict else "") + escaped(_begun(report)),
        f"What to do: {escaped(report.advice)}" if report.advice else "",
        *_blocks(report.blocks, heading + "#"),
        f"Command: {', '.join(map(code, report.command))}" if report.command else "",
        f"samebits {escaped(report.samebits)}" + (f", {escaped(report.created)}" if report.created else ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _begun(report: Report) -> str:
    """Return the headline with a capital letter, unless it can begin with the name of a metric."""
    headline = report.headline
    return headline[:1].upper() + headline[1:] if report.verdict else headline


def _blocks(blocks: Iterable[AnyBlock], heading: str) -> Iterator[str]:
    for block in blocks:
        if block.on >= MARKDOWN:
            yield from _WRITERS[type(block)](block, heading)


def _text(block: Text, heading: str) -> Iterator[str]:
    yield f"**{escaped(block.text)}**" if block.style == "strong" else escaped(block.text)


def _facts(block: Facts, heading: str) -> Iterator[str]:
    yield "\n".join(f"- {escaped(name)}: {_cell(cell)}" if name else f"  {_cell(cell)}" for name, cell in block.rows)


def _notes(block: Notes, heading: str) -> Iterator[str]:
    label = f"{block.label}: " if block.label else ""
    yield "\n".join(f"- {label}{escaped(line)}" for line in block.lines)


def _code(block: Code, heading: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + _longest_run(block.text))
    about = f"{escaped(block.about)}:\n\n" if block.about else ""
    yield f"{about}{fence}\n{words.printable(block.text)}\n{fence}"


def _marks(block: Marks, heading: str) -> Iterator[str]:
    rows = [[escaped(mark.name), code_cell(mark.sign), escaped(mark.meaning)] for mark in block.marks]
    yield _grid(["kind", "", "meaning"], rows)


def _path(block: Path, heading: str) -> Iterator[str]:
    yield f"**{escaped(' > '.join(block.parts))}**"


def _nested(block: NestedTree, heading: str) -> Iterator[str]:
    lines = [
        f"{'  ' * depth}- {escaped(sort)} {code(name)}" + (f" ({escaped(detail)})" if detail else "")
        for depth, (sort, name, detail) in enumerate(block.stations)
    ]
    yield "\n".join(lines)


def _outcomes(block: Outcomes, heading: str) -> Iterator[str]:
    yield "\n".join(f"- {code(row.sign)} **{escaped(row.name)}**: {escaped(row.facts)}" for row in block.outcomes)


def _picture(block: Drawing, heading: str) -> Iterator[str]:
    title = f"{heading} {block.name}. {escaped(block.title)}"
    image = f"![{escaped(block.title)}]({block.file})\n\n{escaped(block.caption)}" if block.file else escaped(block.why)
    if block.is_folded:
        yield _drawer(title, image)
    else:
        yield from (title, image)


def _section(block: Section, heading: str) -> Iterator[str]:
    inner = [part for part in _blocks(block.blocks, heading + "#") if part]
    if inner:
        yield from ([f"{heading} {escaped(block.title)}"] if block.title else [])
        yield from inner


def _inner(block: FoldedBlock, heading: str) -> Iterator[str]:
    yield from _blocks(block.blocks, heading)


def _side_by_side(block: SideBySide, heading: str) -> Iterator[str]:
    yield from _blocks(block.sections, heading)


def _table(block: Table, heading: str) -> Iterator[str]:
    """Yield a table in a document: it has a heading, so that the contents list it. A long table is folded."""
    title = f"{heading} {block.name}. {escaped(block.title)}" if block.title else ""
    body, rows = _body(block), words.count(len(block.rows), "row")
    if block.is_folded:
        whole = "\n\n".join(filter(None, (body, _table_notes(block))))
        yield _drawer(title, whole) if title else _fold(rows, whole)
        return
    yield title
    yield _fold(rows, body) if len(block.rows) > MOST_OPEN else body
    yield _table_notes(block)


def _drawer(title: str, body: str) -> str:
    """Return a heading that opens what is below it. The contents of a document list it."""
    return f'<details markdown="1">\n<summary markdown="block">\n\n{title}\n\n</summary>\n\n{body}\n\n</details>'


def _fold(summary: str, body: str) -> str:
    """Return what a reader sees after a click.

    The attribute tells Markdown to read what is inside the HTML:
    https://python-markdown.github.io/extensions/md_in_html/
    """
    return f'<details markdown="1">\n<summary>{summary}</summary>\n\n{body}\n\n</details>'


_WRITERS: dict[type[AnyBlock], Callable[[Any, str], Iterator[str]]] = {
    Text: _text, Facts: _facts, Notes: _notes, Code: _code, Marks: _marks, Path: _path, NestedTree: _nested,
    Outcomes: _outcomes, Drawing: _picture, Section: _section, FoldedBlock: _inner, SideBySide: _side_by_side,
    Table: _table,
}  # fmt: skip


def table(table: Table) -> str:
    """Return a table by itself: its title, the rows and the notes."""
    title = f"**{table.name}.** {escaped(table.title)}" if table.title else ""
    return "\n\n".join(part for part in (title, _body(table), _table_notes(table)) if part) + "\n"


def _body(table: Table) -> str:
    rows = [[_table_cell(cell) for cell in row] for row in table.rows]
    marks = ["---:" if column.number else "---" for column in table.columns]
    return _grid([escaped(column.head) for column in table.columns], rows, marks) or "No rows."


def _table_notes(table: Table) -> str:
    return "\n".join(f"- {escaped(note)}" for note in table.notes)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str] = ()) -> str:
    """Return the rows below heads; empty without rows. The cells are Markdown already."""
    lines = [heads, marks or ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) if rows else ""


def _cell(cell: Cell) -> str:
    if isinstance(cell, StyledText) and cell.style in ("code", "command"):
        return code(cell.text)
    if isinstance(cell, StyledText) and cell.style == "strong":
        return f"**{escaped(cell.text)}**"
    if isinstance(cell, StyledText) and cell.style == "group":
        return cell.text or "-"
    return "<br>".join(map(escaped, cell.lines)) if isinstance(cell, WordLines) else escaped(shown(cell))


def _table_cell(cell: Cell) -> str:
    """Return a cell of a table. In it a bar is escaped even inside code."""
    return code_cell(cell.text) if isinstance(cell, StyledText) and cell.style in ("code", "command") else _cell(cell)


def escaped(text: str) -> str:
    """Return the text as it is, on one line."""
    line = " ".join(words.printable(text).split())
    return "".join("\\" + c if c in SPECIAL else "&amp;" if c == "&" else c for c in line)


def code(text: str) -> str:
    """Return the words in a code span that no backtick in them can end."""
    line = " ".join(words.printable(text).split())
    fence = "`" * (1 + _longest_run(line))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def code_cell(text: str) -> str:
    """Return a code span in a table."""
    return code(text).replace("|", "\\|")


def _longest_run(line: str) -> int:
    runs = "".join(c if c == "`" else " " for c in line).split()
    return max(map(len, runs), default=0)
