"""The sections that documents have beside the answer of a result: where, steps, curves, trials, files, setup."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from samebits import words
from samebits.comparison.verdict.merged_records import MergedRecord
from samebits.model import Divergence, Result, Trial
from samebits.reports import figures, result_words
from samebits.reports.figures import MapRow, Plots, StepMap, strips
from samebits.reports.history import History, Stretch, history
from samebits.reports.program_errors import program_error
from samebits.reports.shown_values import file_order, shown_values
from samebits.reports.spread import spread
from samebits.reports.table import Cell, Column, StyledText, Table, numbers
from samebits.reports.tree import (
    DOCUMENT,
    PAGE,
    AnyBlock,
    Code,
    Facts,
    FoldedBlock,
    Notes,
    Path,
    Section,
    Text,
    meaning,
)
from samebits.reports.two_records import two_records

if TYPE_CHECKING:
    from samebits.store.record import Record

MOST_FILES = 200
MOST_DETAILS = 50
MOST_PACKAGES = 500
MOST_OPEN = 6  # further differences that are shown without a click
LONG = 160  # characters; a page folds a fact that has more
MAP = (
    "One row for each trial, from its start to its last step. The part to the left of 0 is before the first step. "
    "Grey: all trials have the same bits so far. A letter names the group to which the trial belongs from there on. "
    "The letter at the right is its last group."
)
NO_RECORD = "made from the record, which was not available"
TRIAL = (
    "A trial is one execution of the setup in a fresh process tree. samebits takes fingerprints of what it does at "
    "each step, and compares them with those of the other trials in this order:"
)
SIGNS = (
    "Signs: {}. Trials with the same bits in everything that was compared form a group. Trials diverge at the "
    "earliest point at which one of them differs from the largest group."
)


def answer(result: Result, record: Record | None) -> Iterator[AnyBlock]:
    """Yield what comes first: what to do next, where trials diverge, what the verdict says, notes."""
    if steps := result_words.next_steps(result):
        lines = tuple(Code(line, about[:1].upper() + about[1:]) for about, line in steps)
        yield Section("What to do next", "next", lines, on=DOCUMENT)
    if result.divergence is not None:
        yield _where(result, result.divergence)
    if (error := program_error(result, record)) is not None:
        about = error.about[:1].upper() + error.about[1:]
        yield Section("The program's error", "error", (Code("\n".join(error.lines), about),), on=DOCUMENT)
    yield from two_records(result, record)
    yield from shown_values(result)
    yield from file_order(result)
    if result.divergence is not None:
        yield from spread(result, record)
    says = [*_verdict_says(result, record), *(f"{text}." for text in result_words.keyed(result))]
    yield meaning(says, [*_limits(result), *_gaps(result)])
    if result.warnings:
        yield Section("Notes", "notes", (Notes(tuple(result.warnings)),), on=PAGE)


def evidence(result: Result, record: Record | None) -> Iterator[AnyBlock]:
    """Yield the evidence: steps, curves, trials, files, the setup, and how to read them."""
    past = history(result, record)
    yield from _steps(result, past, has_record=record is not None)
    yield from _curves(past, has_record=record is not None)
    if (metrics := strips(result)) is not None:
        yield Section("Metrics of the trials", "metrics", (metrics,), on=PAGE)
    yield _trials(result)
    files = _files(result, record)
    if files.rows:
        yield Section("Files the trials wrote", "files", (files,), on=PAGE)
    yield _setup(result)
    yield from _controls(result)
    yield _reading(result)


# -- what a verdict says --------------------------------------------------------------------------------------------


def _verdict_says(result: Result, record: Record | None) -> list[str]:
    trials, kinds = result_words.trials(result), ", ".join(k for k, mark in result.judged.items() if mark == "=")
    setup = "the two records" if isinstance(record, MergedRecord) else "this setup"
    if result.verdict == "repeated":
        first = f"{trials} of {setup}, each in fresh processes, gave the same bits"
        return [f"{first}: {kinds}." if kinds else f"{first}.", result_words.detection(result)]
    if result.verdict == "inconclusive":
        advice = [f"What to do: {result.advice}"] if result.advice else []
        return ["The trials give no answer.", result_words.heading(result), *advice]
    lines = [f"{trials} of {setup} gave {result_words.models(result)}."]
    if (first_one := result.divergence) is not None:
        what = result_words.KIND_WORDS[first_one.kind]
        name = first_one.name or "without a name"
        lines.append(f"The first difference is of the kind {first_one.kind} ({what}): {name}.")
        lines += [f"Everything before it was the same: {kinds}."] if kinds else []
    return [*lines, *(f"What still agrees: {text.rstrip('.')}." for text in result.agrees)]


def _limits(result: Result) -> list[str]:
    """Say what must not be concluded from the verdict."""
    if result.verdict == "repeated":
        return [
            "That a further run must give the same bits: trials that agree prove nothing about the next one.",
            "Anything about a different machine, version, number of threads or seed.",
            "That the model is right or good.",
        ]
    if result.verdict == "diverged":
        why = "Why they differ: the cause can act before the first difference shows."
        is_known = result.explanation is not None and bool(result.explanation.cause)
        return [
            *([] if is_known else [why]),
            f"Whether it matters. Effect: {result_words.effect(result)}.",
            "That there are no further models: more trials may end in more models.",
        ]
    return ["That the bits are the same.", "That the training itself causes the difference."]


def _gaps(result: Result) -> Iterator[str]:
    """Say what was not compared, not observed, or not held."""
    if result.scope.kind == "prefix" and result.verdict == "repeated":
        yield f"Anything about the steps after {words.beginning(result.scope.steps_compared, 'step')}."
    if unseen := result_words.unseen(result):
        yield f"Anything about what was not observed: {unseen}."
    loose = [control.id for control in result.setup.controls if control.took_effect is not True]
    if loose:
        yield f"Anything about controls that were not seen to take effect: {', '.join(loose)}."


# -- where ----------------------------------------------------------------------------------------------------------


def _where(result: Result, divergence: Divergence) -> Section:
    process = divergence.process
    rank = f", rank {process.rank}" if process.rank else ""
    reference = words.ids(result_words.reference_group(result))
    facts: list[tuple[str, Cell]] = [
        ("kind", f"{divergence.kind}: {result_words.KIND_WORDS[divergence.kind]}"),
        ("what", divergence.detail),
        ("size", result_words.size(divergence)),
        ("looks", divergence.size.looks if divergence.size else ""),
        ("trials that diverge here", f"{words.ids(divergence.trials)} (from {reference})"),
        ("trials that diverge later", _later(result)),
        ("process", StyledText(" ".join(process.argv) + rank, "code")),
        ("effect", result_words.effect(result)),
    ]
    blocks: list[AnyBlock] = [
        Path(tuple(result_words.path(divergence))),
        Facts(tuple((label, cell) for label, cell in facts if cell)),
    ]
    if divergence.details:
        blocks.append(_further(divergence.details))
    return Section("Where they diverge", "where", tuple(blocks), on=DOCUMENT)


def _further(details: list[dict[str, Any]]) -> FoldedBlock:
    """Return a table of the further differences of the step."""
    columns: tuple[Column, ...] = (Column("kind"), Column("name", wide=True))
    rows: list[tuple[Cell, ...]] = [
        (str(row.get("kind", "")), StyledText(str(row.get("name", "")), "code")) for row in details[:MOST_DETAILS]
    ]
    texts = [str(row.get("detail", "")) for row in details[:MOST_DETAILS]]
    if any(texts):
        columns = (*columns, Column("what", wide=True))
        rows = [(*row, what) for row, what in zip(rows, texts, strict=True)]
    summary = f"{words.count(len(details), 'more difference')} in the same step"
    table = Table("further differences", "", columns, tuple(rows))
    return FoldedBlock(summary, (table,), is_open=len(details) <= MOST_OPEN, on=PAGE)


def _later(result: Result) -> str:
    """Return the trials that leave the largest group after the first divergence, and where."""
    leavers = result_words.later_leavers(result)
    places = sorted(set(leavers.values()))
    return "; ".join(f"{words.ids(t for t in leavers if leavers[t] == at)} at step {at:,}" for at in places)


# -- steps, curves, trials, files -----------------------------------------------------------------------------------


def _steps(result: Result, past: History, *, has_record: bool) -> Iterator[Section]:
    """Yield a map of the steps; nothing if none was observed."""
    blocks: list[AnyBlock] = []
    if past.steps:
        names = result_words.letters(result)
        rows = tuple(_map_row(trial, names.get(trial.id, ""), past) for trial in result.trials)
        blocks.append(StepMap(MAP, rows, tuple(figures.step_ticks(past.steps, before=1))))
        if past.stages:
            stages = "; ".join(f"from step {step:,} {name}" for step, name in past.stages)
            blocks.append(Text(f"Processes one after the other: {stages}.", "soft"))
    elif not has_record:
        blocks.append(Text(f"There is no map: it is {NO_RECORD}.", "soft"))
    if blocks:
        yield Section("Steps by trials", "steps", tuple(blocks), on=PAGE)


def _map_row(trial: Trial, group: str, past: History) -> MapRow:
    stretches = past.stretches.get(trial.id, [])
    return MapRow(trial.id, group, figures.bars(stretches, past.steps), _row_words(stretches, trial))


def _row_words(stretches: list[Stretch], trial: Trial) -> str:
    """Return the row in words, for those who do not see it."""
    if not stretches:
        return f"not compared ({result_words.status_words(trial)})"
    parts = [f"{'like all trials' if not s.group else 'group ' + s.group} up to step {s.last:,}" for s in stretches]
    return ", then ".join(parts)


def _curves(past: History, *, has_record: bool) -> Iterator[Section]:
    """Yield the curves of losses and norms; nothing if none was observed at more than one step."""
    plots = figures.plots(past)
    if plots or not has_record:
        block = Plots("", tuple(plots)) if plots else Text(f"There are no curves: they are {NO_RECORD}.", "soft")
        yield Section("Curves", "curves", (block,), on=PAGE)


def _trials(result: Result) -> Section:
    names = result_words.letters(result)
    columns = (*numbers("trial"), Column("group"), Column("status"), *numbers("steps", "time"), Column("model"),
               Column("metrics", wide=True))  # fmt: skip
    rows = tuple(_trial(trial, names.get(trial.id, "")) for trial in result.trials)
    if not any(trial.metrics for trial in result.trials):
        columns, rows = columns[:-1], tuple(row[:-1] for row in rows)
    table, together = Table("trials in a row each", "", columns, rows), result_words.at_a_time(result)
    return Section("Trials", "trials", (table, *([Text(together, "soft")] if together else [])), on=DOCUMENT)


def _trial(trial: Trial, group: str) -> tuple[Cell, ...]:
    metrics = ", ".join(f"{name} {value:.6g}" for name, value in sorted(trial.metrics.items()))
    return (
        str(trial.id), StyledText(group, "group"), result_words.status_words(trial), f"{trial.steps:,}",
        words.span(trial.seconds), StyledText(result_words.trial_model(trial), "code"), metrics,
    )  # fmt: skip


def _files(result: Result, record: Record | None) -> Table:
    """Return each file that trials wrote: its format, its parts, and whether its content is the same in all."""
    names = result_words.letters(result)
    copies: dict[str, list[tuple[int, Any]]] = {}
    for trial in record.trials if record is not None else []:
        for file in trial.files.files if trial.id in names else []:
            copies.setdefault(file.path, []).append((trial.id, file))
    columns = (Column("file", wide=True), Column("format"), *numbers("parts"), Column("trials"),
               Column("content", wide=True))  # fmt: skip
    rows = tuple(_file(path, copies[path]) for path in sorted(copies)[:MOST_FILES])
    return Table("files in a row each", "", columns, rows)


def _file(path: str, copies: list[tuple[int, Any]]) -> tuple[Cell, ...]:
    contents = Counter(tuple(sorted((name, part.digest) for name, part in file.parts.items())) for _, file in copies)
    file = copies[0][1]
    differing = sorted({name for a in contents for b in contents for name, _ in set(a) ^ set(b)} - {""})[:3]
    text = "the same" if len(contents) == 1 else f"{len(contents)} different"
    text += f": {', '.join(differing)}" if differing else ""
    error = next((copy.error for _, copy in copies if copy.error), None)
    trials = words.ids(trial for trial, _ in copies)
    return (
        StyledText(path, "code"),
        file.format,
        str(len(file.parts)),
        trials,
        text + (f" ({error})" if error else ""),
    )


# -- the setup ------------------------------------------------------------------------------------------------------


def _setup(result: Result) -> Section:
    setup = result.setup
    facts: list[tuple[str, Cell]] = [
        ("command", StyledText(shlex.join(setup.command), "code")),
        ("interpreter", setup.python or "not known"),
        ("environment", setup.environment or ""),
        ("preset", setup.preset or "none"),
        ("controls", "" if setup.controls else "none: the program ran as it is"),
        ("seed", "none" if setup.seed is None else str(setup.seed)),
        *_flat("code", setup.code),
        *_flat("machine", setup.machine),
    ]
    blocks: list[AnyBlock] = [Facts(tuple((label, cell) for label, cell in facts if cell))]
    if setup.packages:
        rows = tuple(sorted(setup.packages.items())[:MOST_PACKAGES])
        table = Table("packages", "", (Column("package"), Column("version")), rows)
        blocks.append(FoldedBlock(words.count(len(rows), "package"), (table,)))
    return Section("Setup and machine", "setup", tuple(blocks), on=PAGE)


def _flat(sort: str, facts: dict[str, Any]) -> Iterator[tuple[str, Cell]]:
    """Yield the facts as rows of a table."""
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            text = _fact(value)
            yield f"{sort}: {name}", StyledText(text, "long") if len(text) > LONG else text


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(part, str | int | float) for part in value.values()):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def _controls(result: Result) -> Iterator[Section]:
    if not result.setup.controls:
        return
    effect = {True: "yes", False: "no", None: "not known"}
    columns = (Column("control"), Column("took effect"), Column("how that was seen", wide=True))
    rows = tuple((StyledText(row.id, "code"), effect[row.took_effect], row.detail) for row in result.setup.controls)
    yield Section("Controls", "controls", (Table("controls in a row each", "", columns, rows),), on=DOCUMENT)


def _reading(result: Result) -> Section:
    signs = "; ".join(f"{result_words.MARKS[mark]} {about}" for mark, about in result_words.MARK_WORDS.items())
    blocks: list[AnyBlock] = [Text(TRIAL), Facts(tuple(result_words.KIND_WORDS.items())), Text(SIGNS.format(signs))]
    if result.record:
        again = f"samebits report {result_words.record_name(result)} --html page.html"
        blocks += [Text("To make this page again from the record:"), Code(again)]
    return Section("How to read this page", "reading", tuple(blocks), on=PAGE)
