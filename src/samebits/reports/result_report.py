"""The report of a check, and of all commands whose answer is a result: verdict, where trials diverge, what was held."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from samebits import words
from samebits.endings import ENDED_WELL
from samebits.model import Result, Trial
from samebits.reports import findings, result_words
from samebits.reports.clock_sections import clock_sections, place_words, unknown_facts
from samebits.reports.golden_sections import golden_blocks, golden_lines, only_golden_differs
from samebits.reports.printed_metric import effect
from samebits.reports.program_errors import program_error
from samebits.reports.table import Cell, StyledText
from samebits.reports.tree import (
    BRIEF,
    CASE_STATES,
    HEADS,
    MARKDOWN,
    PAGE,
    SCREEN,
    AnyBlock,
    Facts,
    Format,
    JUnitCase,
    Mark,
    Marks,
    Notes,
    Report,
    Text,
    TrialRows,
)
from samebits.reports.two_records import owners

if TYPE_CHECKING:
    from samebits.store.record import Record

BAR = 20
SHORT_BAR = 10
STEP_CELLS = SHORT_BAR - 2
MOST_ROWS = 12  # trials with a line each; if there are more, each group has a line
BARS = (
    "= same bits as the other trials, ! first difference, then the letter of its model (first sign: before step 0, "
    "last sign: the end)"
)
KIND_ORDER = "what was compared, in the order in which it is judged"


def report(result: Result, record: Record | None = None, *, is_whole: bool = True, all_notes: bool = False) -> Report:
    """Return the report.

    Without a record, it leaves out what only the record knows, and says so. `is_whole`: whether to make what only
    documents show, and a terminal does not. `all_notes`: whether to show each note about what does not count.
    """
    return Report(
        verdict=result.verdict,
        head=HEADS[result.verdict],
        headline=result_words.headline(result),
        took=_stopped_after(result),
        advice=result.advice or "" if result.verdict == "inconclusive" else "",
        command=tuple(filter(None, [shlex.join(result.setup.command), result.setup.python])),
        marks=_marks(result, list(result.judged), PAGE) if result.judged else None,
        blocks=(
            *_screen(result, record),
            *(golden_blocks(result.golden) if result.golden is not None else ()),
            *_documents(result, record, is_whole=is_whole),
            *_notes(result, all_notes=all_notes),
        ),
        footer=result.sentence + (f" It took {words.span(result.seconds)}." if result.seconds else ""),
        created=record.file.created if record else "",
        document=result,
        cases=(_case(result, record),),
    )


def _documents(result: Result, record: Record | None, *, is_whole: bool) -> Iterator[AnyBlock]:
    """Yield the sections of documents, and those of locate and explain, which every format shows.

    The answer comes first.
    """
    if is_whole:
        from samebits.reports import result_sections

        yield from [_marks(result, list(result.judged), MARKDOWN)] if result.judged else []
    if result.explanation is not None:
        yield from findings.cause_answer(result.explanation)
    if result.location is not None:
        yield from findings.location_blocks(result.location)
    if is_whole:
        yield from result_sections.answer(result, record)
        yield from clock_sections(result)
    if result.explanation is not None:
        yield from findings.explanation_blocks(result.explanation)
    if is_whole:
        yield from result_sections.evidence(result, record)


def _stopped_after(result: Result) -> str:
    early = result.verdict == "diverged" and any(trial.status == "stopped" for trial in result.trials)
    return f"   stopped after {words.span(result.seconds)}" if early and result.seconds else ""


def _marks(result: Result, kinds: list[str], on: frozenset[Format], after: str = "") -> Marks:
    marks = [(kind, result.judged.get(kind, ".")) for kind in kinds]
    return Marks(
        tuple(
            Mark(kind, result_words.MARKS.get(mark, mark), result_words.MARK_WORDS.get(mark, mark),
                 result_words.KIND_WORDS.get(kind, ""))
            for kind, mark in marks
        ),
        KIND_ORDER, after, on=on,
    )  # fmt: skip


# -- what a terminal shows ------------------------------------------------------------------------------------------


def _screen(result: Result, record: Record | None) -> Iterator[AnyBlock]:
    if whose := owners(record):
        yield Facts(tuple(whose), on=SCREEN)
    if result.verdict == "inconclusive":
        yield Facts(tuple(_no_answer(result, record)), on=SCREEN)
        if "!" not in result.judged.values():
            return
    if only_golden_differs(result.golden):
        return
    kinds = [*result_words.JUDGED_KINDS, *(["structure"] if result.judged.get("structure") == "!" else [])]
    if result.verdict == "repeated":
        yield _marks(result, kinds, SCREEN, _files(record) + _legend(result, kinds, "   "))
        yield Text(_took(result), on=SCREEN)
        yield Facts(tuple(_common(result)), on=SCREEN)
        yield Text(result_words.detection(result), on=SCREEN)
        return
    yield _marks(result, kinds, SCREEN, _files(record))
    if result.verdict == "diverged":
        yield TrialRows(tuple(_rows(result)), Facts(tuple(_facts(result, record))), on=SCREEN)


def _files(record: Record | None) -> str:
    number = max((len(trial.files.files) for trial in record.trials), default=0) if record is not None else 0
    return f" ({words.count(number, 'file')})" if number else ""


def _legend(result: Result, kinds: list[str], before: str) -> str:
    """Explain the signs of kinds that were not compared."""
    marks = {result.judged.get(kind, ".") for kind in kinds}
    signs = ", ".join(f"{mark} {result_words.MARK_WORDS[mark]}" for mark in "-." if mark in marks)
    return f"{before}{signs}" if signs else ""


def _took(result: Result) -> str:
    """1-5  [####################]  1,200 steps  31 s   model 9f3c-21ab"""
    finals = {trial.id: trial.final for trial in result.trials}
    steps = words.count(result.scope.steps_compared, "step")
    final = finals.get(result.groups[0][0]) if result.groups else None
    ended = final is not None or result.scope.kind == "whole"  # a trial that samebits stopped has no final model
    took = f"  {words.span(result.seconds)}" if result.seconds else ""
    model = f"   model {result_words.model_name(final)}" if ended else ""
    ids = words.ids(trial.id for trial in result.trials if not trial.left_out)
    return f"{ids}  [{'#' * BAR}]  {steps}{took}{model}"


def _rows(result: Result) -> list[str]:
    names, later = result_words.letters(result), result_words.later_leavers(result)
    if len(result.trials) > MOST_ROWS:
        return [_group_row(result, place, group, later) for place, group in enumerate(result.groups[:MOST_ROWS])]
    wide = max(len(str(trial.id)) for trial in result.trials)
    return [
        f"{trial.id:>{wide}} [{_bar(result, trial, names.get(trial.id), later)}] "
        + (names.get(trial.id) or f"- {result_words.status_words(trial)}")
        for trial in result.trials
    ]


def _group_row(result: Result, place: int, group: list[int], later: dict[int, int]) -> str:
    longest = max((trial for trial in result.trials if trial.id in group), key=lambda trial: trial.steps)
    name = result_words.letter(place)
    return f"[{_bar(result, longest, name, later)}] {name}: {words.count(len(group), 'trial')}"


def _bar(result: Result, trial: Trial, name: str | None, later: dict[int, int]) -> str:
    """`=` while trials are the same, `!` where they diverge, then the group's letter to the end of the trial.

    The first sign stands for what is before step 0, the last one for the end, and those between them for the steps.
    """
    if name is None or result.divergence is None:
        return " " * SHORT_BAR
    steps = result.scope.steps_total
    total = max([steps or 0, *(trial.steps for trial in result.trials), 1])
    step, kind = result.divergence.step, str(result.divergence.kind)
    if trial.id in later:
        step, kind = later[trial.id], "end" if later[trial.id] >= total else "update"
    equal = _equal_cells(step, kind, total)
    reached = 0 if steps is None else SHORT_BAR if trial.steps >= total else 1 + STEP_CELLS * trial.steps // total
    return ("=" * equal + "!" + name[0] * max(0, reached - equal - 1))[:SHORT_BAR].ljust(SHORT_BAR)


def _equal_cells(step: int, kind: str, total: int) -> int:
    if kind == "end":
        return SHORT_BAR - 1
    if step < 0:
        return 0
    return 1 + min(STEP_CELLS - 1, STEP_CELLS * step // total)


def _facts(result: Result, record: Record | None) -> list[tuple[str, Cell]]:
    divergence = result.divergence
    if divergence is None:
        return _common(result)
    facts: list[tuple[str, Cell]] = [
        ("where", " > ".join(result_words.path(divergence))),
        ("what", divergence.detail),
        ("size", result_words.size(divergence)),
        ("looks", divergence.size.looks if divergence.size else ""),
        ("also", _also(divergence.details)),
        ("effect", effect(result, record)),
        ("trials", _not_run(result, record)),
        *_common(result),
        *_next(result),
        ("bars", BARS + _legend(result, [*result.judged], "; above: ")),
    ]
    return [(label, cell) for label, cell in facts if cell]


def _not_run(result: Result, record: Record | None) -> str:
    """Return how many trials did not begin because others had diverged."""
    number = record.file.options.trials - len(result.trials) if record is not None else 0
    return f"{number} more did not run, because these diverge (--models runs them all)" if number > 0 else ""


def _also(details: list[dict[str, object]]) -> str:
    return words.first_few(list(dict.fromkeys(f"{row.get('kind', '')} > {row.get('name', '')}" for row in details)), 2)


def _common(result: Result) -> list[tuple[str, Cell]]:
    held = [control.id for control in result.setup.controls if control.took_effect is True]
    undone = [control.id for control in result.setup.controls if control.took_effect is False]
    names = ", ".join(held) + (f" (without effect: {', '.join(undone)})" if undone else "")
    facts: list[tuple[str, Cell]] = [("held", names.strip())] if names else []
    unseen = result_words.unseen(result)
    facts += [("unseen", unseen)] if unseen else []
    facts += [("beside", result_words.at_a_time(result))] if result.at_a_time > 1 else []
    facts += [("keys", text) for text in result_words.keyed(result)]
    return facts + [("agree", text) for text in result.agrees]


def _next(result: Result) -> Iterator[tuple[str, Cell]]:
    steps = result_words.next_steps(result)
    for place, (about, command) in enumerate(steps):
        yield "" if place else "next", StyledText(f"{about}:  {command}", "command")
    if result.record:
        yield "page", StyledText(f"samebits report {result_words.record_name(result)} --html page.html", "command")


def _no_answer(result: Result, record: Record | None) -> Iterator[tuple[str, Cell]]:
    if record is not None:
        leaked = sorted({leak.path for trial in record.trials for leak in trial.file.leaks})
        yield from (("file", path) for path in leaked[:5])
    badly = [trial for trial in result.trials if trial.status not in ENDED_WELL and not trial.left_out]
    yield from ((f"trial {trial.id}", _ended(trial, record)) for trial in badly)
    if badly and record is not None:
        error = program_error(result, record)
        yield from [("it said", error.said)] if error is not None and error.said else []
        yield "record", StyledText(result_words.folder_name(record.folder), "command")
    yield from unknown_facts(result)
    if result.advice:
        yield "do this", StyledText(result.advice, "command")


def _ended(trial: Trial, record: Record | None) -> str:
    reasons = [t.file.why for t in record.trials if t.id == trial.id] if record else []
    why = reasons[0] if reasons and trial.exit_code is None else ""
    text = f"{result_words.status_words(trial)}, after {words.count(trial.steps, 'step')}"
    return text + (f": {why}" if why else "")


def _notes(result: Result, *, all_notes: bool) -> Iterator[AnyBlock]:
    """Yield what limits the verdict. In formats that people read line by line, this stands below the answer."""
    says = [*result.agrees, *(f"{text}." for text in result_words.keyed(result))]
    unseen = result_words.unseen(result)
    says += [f"Not observed: {unseen}."] if unseen else []
    says += [result_words.detection(result)] if result.verdict != "inconclusive" else []
    if says:
        yield Notes(tuple(says), "", on=MARKDOWN)
    if result.warnings:
        yield Notes(tuple(result.warnings if all_notes else result_words.fewer_notes(result)), on=BRIEF)


# -- what a CI shows ------------------------------------------------------------------------------------------------


def _case(result: Result, record: Record | None) -> JUnitCase:
    """Return the check as one test, named by its command.

    A divergence is one failure, however many kinds and trials it has.
    """
    state = CASE_STATES[result.verdict]
    lines = _failure(result, record) if state != "passed" else []
    return JUnitCase(
        "samebits.check",
        shlex.join(result.setup.command),
        state,
        result_words.headline(result),
        "\n".join(words.one_line(line) for line in lines if line),
        tuple(_properties(result, record)),
        seconds=result.seconds,
    )


def _failure(result: Result, record: Record | None) -> Iterator[str]:
    """Yield the lines below the headline: where, how far, why, which trials, what to do, the program's error."""
    if result.divergence is not None:
        yield " > ".join(result_words.path(result.divergence))
        yield result_words.size(result.divergence)
    yield from golden_lines(result.golden) if result.golden is not None else ()
    yield result.explanation.sentence if result.explanation is not None else ""
    names = result_words.letters(result)
    yield from (f"trial {trial.id}: {_outcome(trial, names)}" for trial in result.trials)
    yield from map(place_words, result.unknown)
    yield result.advice or ""
    if (error := program_error(result, record)) is not None:
        yield from (f"{error.about}:", *error.lines)


def _outcome(trial: Trial, groups: Mapping[int, str]) -> str:
    """Return a text such as: complete, 1,200 steps, group A."""
    ended = result_words.status_words(trial)
    ended += f", {words.count(trial.steps, 'step')}" if trial.status != "stopped" else ""
    return f"{ended}, group {groups[trial.id]}" if trial.id in groups else ended


def _properties(result: Result, record: Record | None) -> Iterator[tuple[str, str]]:
    """Yield what a CI keeps beside the test: names that never change, with their values."""
    yield "verdict", result.verdict
    yield "samebits", result.samebits
    yield from ((f"record.{name}", value) for name, value in owners(record))
    yield "steps_compared", str(result.scope.steps_compared)
    for kind, mark in result.judged.items():
        yield f"kind.{kind}", result_words.MARK_WORDS.get(mark, mark)
    names = result_words.letters(result)
    yield from ((f"trial.{trial.id}", _outcome(trial, names)) for trial in result.trials)
    following = [value for value in result.settled if value.law != "none"]
    yield from [("follows_the_clock", str(len(following)))] if following else []
    yield from [("cause", "+".join(result.explanation.cause))] if result.explanation is not None else []
    yield from [("record", result.record)] if result.record else []
