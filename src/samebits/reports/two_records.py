"""Two records side by side: what each one holds, and what its trials gave. A sign marks the facts that differ."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from samebits import words
from samebits.comparison.verdict.merged_records import MergedRecord, RecordSide
from samebits.model import Result, Trial
from samebits.reports import result_words
from samebits.reports.table import Cell, Column, StyledText, Table
from samebits.reports.tree import DOCUMENT, Section

TITLE = "The two records side by side"
HEADS = ("", "", "first", "second")
UNSIGNED = ("record", "made", "trials")  # these always differ
MOST_METRICS = 12
LEVELS = {"bits": "bits", "metrics": "printed metrics", "spread": "metrics, within the spread"}
HOLDS = {True: "=", False: "!=", None: "?"}


def two_records(result: Result, record: object) -> Iterator[Section]:
    """Yield the section; nothing if only one record was judged."""
    if isinstance(record, MergedRecord):
        first, second = (dict(_facts(side, record, result)) for side in record.sides)
        rows = tuple(_row(name, first.get(name, ""), second.get(name, "")) for name in {**first, **second})
        columns = (*map(Column, HEADS[:2]), *(Column(head, wide=True) for head in HEADS[2:]))
        facts = Table("facts of two records", "", columns, rows)
        yield Section(TITLE, "records", (*_levels(result), facts), on=DOCUMENT)


def owners(record: object) -> list[tuple[str, str]]:
    """Return ("first" or "second", the record and its trials) for each of two records; empty if there is only one."""
    if not isinstance(record, MergedRecord):
        return []
    sides = zip(HEADS[2:], record.names, record.sides, strict=True)
    of = [(head, f"{name} in " if name else "", side) for head, name, side in sides]
    return [(head, f"{name}{result_words.folder_name(side.folder)}: {_ranges(side.trials)}") for head, name, side in of]


def _ranges(trials: Sequence[int]) -> str:
    return f"{words.agree(len(trials), 'trial', 'trials')} {words.ids(trials)}"


def _levels(result: Result) -> Iterator[Table]:
    """Yield a row for each level at which the records may be the same."""
    if result.levels:
        rows = tuple((LEVELS[row.name], StyledText(HOLDS[row.holds], "code"), row.says) for row in result.levels)
        columns = (Column("the same?"), Column(""), Column("", wide=True))
        yield Table("levels", "", columns, rows)


def _row(name: str, first: str, second: str) -> tuple[Cell, ...]:
    sign = "" if name in UNSIGNED else "=" if first == second else "!="
    return name, StyledText(sign, "code") if sign else "", first, second


def _facts(side: RecordSide, record: MergedRecord, result: Result) -> Iterator[tuple[str, str]]:
    file, trials = side.file, [trial for trial in result.trials if trial.id in side.trials]
    yield "record", result_words.folder_name(side.folder)
    yield "made", words.moment(file.created)
    yield "samebits", file.samebits
    yield "command", shlex.join(file.command)
    yield "interpreter", _interpreter(side, record)
    yield "controls", ", ".join(file.controls) or "none"
    yield "seed", "none" if file.seed is None else str(file.seed)
    yield "trials", words.ids(side.trials)
    yield "groups", _groups(side, result)
    yield "steps", words.listed(sorted({f"{trial.steps:,}" for trial in trials}))
    yield from _metrics(trials)


def _interpreter(side: RecordSide, record: MergedRecord) -> str:
    """Return the interpreter that ran the first process of its trials.

    If no process was watched, it is the one that the record asked for.
    """
    processes = (process for trial in record.trials if trial.id in side.trials for process in trial.processes)
    ran = next((process.facts.get("executable") for process in processes), None)
    return str(ran or side.file.python or "not known")


def _groups(side: RecordSide, result: Result) -> str:
    """Return the letters of its groups: A, C"""
    names = result_words.letters(result)
    return ", ".join(sorted({names[trial] for trial in side.trials if trial in names})) or "none was compared"


def _metrics(trials: list[Trial]) -> Iterator[tuple[str, str]]:
    whole = [trial for trial in trials if trial.status == "complete"]
    for name in sorted({name for trial in whole for name in trial.metrics})[:MOST_METRICS]:
        yield f"metric {name}", result_words.metric_range(name, whole).removeprefix(f"{name} ")
