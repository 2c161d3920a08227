"""The result in Markdown: for a pull request, a job summary, an issue."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

from samebits import words
from samebits.model import Result, Trial
from samebits.reports import explanation, result_words

if TYPE_CHECKING:
    from samebits.store.record import Record

# what would start markup in the middle of a line; a backslash before it is dropped by every Markdown
SPECIAL = "\\`*_{}[]<>()#+!|~"


def render(result: Result, record: Record | None = None) -> str:
    """A document with one heading; every text from outside is escaped."""
    parts = [
        f"## {result_words.SIGNS[result.verdict]} {result_words.HEADS[result.verdict]}",
        escaped(result_words.sentence(result)),
        _where(result),
        _kinds(result),
        _why(result),
        _trials(result),
        _controls(result),
        _says(result),
        _warnings(result),
        _setup(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """The text as it is, on one line."""
    line = " ".join(words.printable(text).split())
    return "".join("\\" + c if c in SPECIAL else "&amp;" if c == "&" else c for c in line)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; empty without rows. The cells are Markdown already."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    names = list(heads)
    return "\n".join(["| " + " | ".join(names) + " |", "|" + " --- |" * len(names), *lines]) if lines else ""


def code(text: str) -> str:
    """Words in a code span that no backtick in them can end."""
    line = " ".join(words.printable(text).split())
    fence = "`" * (1 + max((len(run) for run in _ticks(line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def code_cell(text: str) -> str:
    """A code span in a table: there a bar is escaped even inside code."""
    return code(text).replace("|", "\\|")


def _ticks(line: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in line).split() if run]


def _where(result: Result) -> str:
    if result.advice and result.verdict == "inconclusive":
        return f"What to do: {escaped(result.advice)}"
    if result.divergence is None:
        return ""
    where = f"**Where:** {escaped(' > '.join(result_words.path(result.divergence)))}"
    size = result_words.size(result.divergence)
    return where + (f"; {escaped(size)}" if size else "") + "."


def _kinds(result: Result) -> str:
    rows = [
        [kind, code_cell(result_words.MARKS.get(mark, mark)), result_words.MARK_WORDS.get(mark, "")]
        for kind, mark in result.judged.items()
    ]
    return table(["kind", "", "meaning"], rows)


def _why(result: Result) -> str:
    """What explain found, with all that it tried."""
    found = result.explanation
    if found is None:
        return ""
    cells = [[escaped(cell) for cell in row] for row in explanation.rows(found)]
    facts = "\n".join(f"- {label}: {escaped(text)}" for label, text in explanation.facts(found))
    pasted = "".join(f"\n\n{where}:\n\n```\n{lines}\n```" for where, lines in explanation.pasted(found))
    evidence = table(["held", "trials", "outcomes", ""], cells)
    return f"### Why\n\n{escaped(found.sentence)}{pasted}\n\n{evidence}\n\n{facts}".rstrip()


def _trials(result: Result) -> str:
    names = result_words.letters(result)
    return table(
        ["trial", "group", "status", "steps", "time", "model", "metrics"],
        [_trial(trial, names.get(trial.id, "-")) for trial in result.trials],
    )


def _trial(trial: Trial, group: str) -> list[str]:
    metrics = ", ".join(f"{escaped(name)} {value:.6g}" for name, value in sorted(trial.metrics.items()))
    return [
        str(trial.id),
        group,
        result_words.status_words(trial),
        f"{trial.steps:,}",
        words.clock(trial.seconds),
        code(result_words.model_name(trial.final)),
        metrics,
    ]


def _controls(result: Result) -> str:
    effect = {True: "yes", False: "**no**", None: "not known"}
    rows = [
        [code_cell(control.id), effect[control.took_effect], escaped(control.detail)]
        for control in result.setup.controls
    ]
    return table(["control", "took effect", ""], rows)


def _says(result: Result) -> str:
    unseen = list(dict.fromkeys([*result.scope.not_observed, *result.scope.unwatched]))
    lines = [*result.agrees, *([f"Not observed: {'; '.join(unseen)}."] if unseen else [])]
    lines += [result_words.detection(result)] if result.verdict != "inconclusive" else []
    return "\n".join(f"- {escaped(line)}" for line in lines)


def _warnings(result: Result) -> str:
    return "\n".join(f"- **Note:** {escaped(warning)}" for warning in result.warnings)


def _setup(result: Result) -> str:
    command = shlex.join(result.setup.command)
    facts = [code(command)] + ([code(result.setup.python)] if result.setup.python else [])
    return f"Setup: {', '.join(facts)}; samebits {escaped(result.samebits)}."
