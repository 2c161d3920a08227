"""The result on a terminal: plain ASCII lines that are understood in five seconds."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from samebits import words
from samebits.model import ENDED_WELL, Result, Trial
from samebits.reports import explanation, location, result_words
from samebits.reports.result_words import INDENT
from samebits.store.outputs import last_words

if TYPE_CHECKING:
    from samebits.store.record import Record

BAR = 20
SHORT_BAR = 10
MOST_ROWS = 12  # trials with a line of their own; more are shown a group a line
LABEL = 6
NARROW = 80  # below it the facts stand under the trials instead of beside them


def render(result: Result, record: Record | None = None, *, width: int | None = None) -> str:
    """The lines, ended by a newline. `width`: prose is wrapped there; None leaves lines whole (a log, a pipe)."""
    lines = [_head(result)]
    if result.verdict == "repeated":
        lines += [_kinds(result, record), *_models(result)]
    elif result.verdict == "diverged":
        lines += [_kinds(result, record), *_beside(_rows(result, _later(result, record)), _facts(result), width)]
    else:
        lines += _no_answer(result, record)
    lines += location.lines(result.location) if result.location is not None else []
    lines += explanation.lines(result.explanation) if result.explanation is not None else []
    lines += _notes(result)
    return (
        "\n".join(folded for line in lines for folded in result_words.folded(words.one_line(line), width, LABEL)) + "\n"
    )


def _head(result: Result) -> str:
    sign, name = result_words.SIGNS[result.verdict], result_words.HEADS[result.verdict]
    early = result.verdict == "diverged" and any(trial.status == "stopped" for trial in result.trials)
    after = f"   stopped after {words.span(result.seconds)}" if early and result.seconds else ""
    return f"{sign:<2} {name}: {result_words.headline(result)}{after}"


def _kinds(result: Result, record: Record | None) -> str:
    judged = {kind: result.judged.get(kind, ".") for kind in result_words.JUDGED_KINDS}
    if result.judged.get("structure") == "!":
        judged["structure"] = "!"
    marks = [f"{kind} {result_words.MARKS.get(mark, mark)}" for kind, mark in judged.items()]
    return INDENT + " | ".join(marks) + _files(record)


def _files(record: Record | None) -> str:
    if record is None:
        return ""
    number = max((len(trial.files.files) for trial in record.trials), default=0)
    return f" ({words.count(number, 'file')})" if number else ""


def _models(result: Result) -> list[str]:
    finals = {trial.id: trial.final for trial in result.trials}
    seconds = result.seconds or sum(trial.seconds for trial in result.trials)
    steps = words.count(result.scope.steps_compared, "step")
    took = f"{words.ids(t.id for t in result.trials)}  [{'#' * BAR}]  {steps}  {words.clock(seconds)}"
    model = result_words.model_name(finals.get(result.groups[0][0])) if result.groups else "not seen"
    return [f"{INDENT}{took}   model {model}", *_fact_lines(_common(result)), INDENT + result_words.detection(result)]


def _later(result: Result, record: Record | None) -> dict[int, int]:
    """Trial -> the step at which it leaves, of those that leave after the divergence."""
    if record is None or len(result.groups) < 3:
        return {}
    from samebits.reports.history import later_leavers

    return later_leavers(result, record)


def _rows(result: Result, later: dict[int, int]) -> list[str]:
    names = result_words.letters(result)
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
    """`=` the same, `!` where they diverge, then the group's letter as far as the trial went."""
    if name is None or result.divergence is None:
        return " " * SHORT_BAR
    known = result.scope.steps_total
    total = max([known or 0, *(trial.steps for trial in result.trials), 1])
    step, kind = result.divergence.step, result.divergence.kind
    if trial.id in later:
        step, kind = later[trial.id], "end" if later[trial.id] >= total else "update"
    equal = _equal_cells(step, kind, total)
    reached = 0 if known is None else SHORT_BAR * trial.steps // total
    return ("=" * equal + "!" + name[0] * max(0, reached - equal - 1))[:SHORT_BAR].ljust(SHORT_BAR)


def _equal_cells(step: int, kind: str, total: int) -> int:
    if kind == "end":
        return SHORT_BAR - 1
    if step < 0:
        return 0
    return min(SHORT_BAR - 2, 2 + int((SHORT_BAR - 3) * step / total))


def _facts(result: Result) -> list[tuple[str, str]]:
    divergence = result.divergence
    if divergence is None:
        return _common(result)
    looks = divergence.size.looks if divergence.size else ""
    facts = [
        ("where", " > ".join(result_words.path(divergence))),
        ("what", divergence.detail),
        ("size", result_words.size(divergence)),
        ("looks", looks),
        ("also", _also(divergence.details)),
        ("effect", result_words.effect(result)),
        *_common(result),
        *_next(result),
    ]
    return [(label, said) for label, said in facts if said]


def _also(details: list[dict[str, object]]) -> str:
    names = [f"{detail.get('kind', '')} > {detail.get('name', '')}" for detail in details[:2]]
    more = len(details) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _common(result: Result) -> list[tuple[str, str]]:
    held = [control.id for control in result.setup.controls if control.took_effect is True]
    undone = [control.id for control in result.setup.controls if control.took_effect is False]
    said = ", ".join(held) + (f" (without effect: {', '.join(undone)})" if undone else "")
    facts = [("held", said.strip())] if said else []
    unseen = dict.fromkeys([*result.scope.not_observed, *result.scope.unwatched])
    facts += [("unseen", "; ".join(unseen))] if unseen else []
    return facts + [("agree", said) for said in result.agrees]


def _next(result: Result) -> list[tuple[str, str]]:
    if not result.record:
        return []
    record = result_words.record_name(result)
    why = [("next", f"why, and the cheapest fix:  samebits explain {record}")] if result.explanation is None else []
    return [*why, ("page", f"samebits report {record} --html page.html")]


def _fact_lines(facts: list[tuple[str, str]]) -> list[str]:
    return [f"{INDENT}{label:<{LABEL}} {said}" for label, said in facts]


def _beside(rows: list[str], facts: list[tuple[str, str]], width: int | None) -> list[str]:
    """The trials at the left, the facts at the right; one under the other where the terminal is narrow."""
    if width is not None and width < NARROW:
        return [INDENT + row for row in rows] + _fact_lines(facts)
    wide = max(map(len, rows), default=0)
    said = [f"{label:<{LABEL}} {words}" for label, words in facts]
    pairs = itertools.zip_longest(rows, said, fillvalue="")
    return [f"{INDENT}{row:<{wide}}    {fact}".rstrip() for row, fact in pairs]


def _no_answer(result: Result, record: Record | None) -> list[str]:
    facts = [("file", path) for path in _leaked(record)]
    badly = [trial for trial in result.trials if trial.status not in ENDED_WELL]
    facts += [(f"trial {trial.id}", _ended(trial, record)) for trial in badly]
    facts += [("it said", said) for trial in badly[:1] if (said := _last_words(trial, record))]
    facts += [("do this", result.advice)] if result.advice else []
    lines = [f"{INDENT}{label:<8} {said}" for label, said in facts]
    return lines + ([_kinds(result, record)] if "!" in result.judged.values() else [])


def _leaked(record: Record | None) -> list[str]:
    if record is None:
        return []
    return sorted({leak.path for trial in record.trials for leak in trial.file.leaks})[:5]


def _ended(trial: Trial, record: Record | None) -> str:
    known = [t.file.why for t in record.trials if t.id == trial.id] if record else []
    why = known[0] if known and trial.exit_code is None else ""
    said = [result_words.status_words(trial), f"after {words.count(trial.steps, 'step')}"]
    return ", ".join(said) + (f": {why}" if why else "")


def _last_words(trial: Trial, record: Record | None) -> str:
    """What the trial said last: an exception, else the last line that it wrote to standard error."""
    return last_words(record.folder / "trials" / f"{trial.id:03d}") if record is not None else ""


def _notes(result: Result) -> list[str]:
    return [f"{INDENT}{'note':<{LABEL}} {said}" for said in result.warnings]
