"""What was measured, as tables: a row for each behaviour, a column for each library."""

from __future__ import annotations

from samebits.reports.table import EMPTY, Cell, Column, MissingValue, Table
from samebits.reports.tree import DOCUMENT, SIGNS, Report
from samebits_parity.defaults import signatures
from samebits_parity.defaults.result import BehaviourComparison, Defaults, Measurement, Signature
from samebits_parity.options import GROUPS, Group
from samebits_parity.report import compared, parts

MARKS: dict[bool | None, str] = {True: SIGNS["diverged"], False: SIGNS["repeated"], None: EMPTY}
HOW = (
    "A number in brackets is one of those that the library gave, by which the meaning was recognised; a number alone "
    "is a default, solved for from what the library did."
)
WHERE = "signatures side by side are in the Markdown, HTML and JSON reports (--md, --html, --json)"


def report(found: Defaults) -> Report:
    """The whole report: behaviours and, where there is room for them, signatures."""
    groups = [group for group in GROUPS if any(line.group == group for line in found.behaviours)]
    versions = ", ".join(f"{library} {version}" for library, version in found.versions.items())
    tables = [_behaviours(found, group) for group in groups] + [_signatures(found, group) for group in groups]
    shown = [table for table in tables if table.rows and found.versions]
    return compared(
        "What equal names mean in each library",
        found.verdict,
        found.sentence,
        found,
        parts([("of", versions or "no library")], shown, found.notes, WHERE if shown else ""),
        found.created,
    )


def _behaviours(found: Defaults, group: Group) -> Table:
    rows = [_row(found, line) for line in found.behaviours if line.group == group]
    columns = (Column("behaviour", wide=True), Column(""), *(Column(name, wide=True) for name in found.versions))
    return Table(group, f"What {group} do", columns, tuple(rows), (HOW,))


def _row(found: Defaults, line: BehaviourComparison) -> tuple[Cell, ...]:
    cells = (_cell(found.of(line.behaviour, library)) for library in found.versions)
    return (line.words, MARKS[line.differs], *cells)


def _cell(line: Measurement | None) -> Cell:
    if line is None or line.status == "none":
        return MissingValue("none")
    if line.status != "measured":
        return MissingValue(line.status, line.words)
    return line.words if line.number is None else f"{line.words} ({line.number:.4g})"


def _signatures(found: Defaults, group: Group) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, row in signatures.COUNTERPARTS.items():
        if row[0] == group:
            rows += _of_class(name, {line.library: line for line in found.signatures if line.name == name}, found)
    columns = (
        Column("class"),
        Column("parameter"),
        Column(""),
        *(Column(library, wide=True) for library in found.versions),
    )
    title = f"Signatures of {group}: parameters and their defaults, as the installed libraries have them"
    return Table(f"signatures of {group}", title, columns, tuple(rows), on=DOCUMENT)


def _of_class(name: str, each: dict[str, Signature], found: Defaults) -> list[tuple[Cell, ...]]:
    parameters = list(dict.fromkeys(one.row for line in each.values() for one in line.parameters))
    return [
        (name, row, _mark(each, row), *(signatures.cell(each.get(library),
                                                        row) or MissingValue("none") for library in found.versions))
        for row in parameters
    ]  # fmt: skip


def _mark(each: dict[str, Signature], row: str) -> str:
    values = [value for line in each.values() if (value := signatures.values(line, row)) is not None]
    return MARKS[len({repr(value) for value in values}) > 1 if len(values) > 1 else None]
