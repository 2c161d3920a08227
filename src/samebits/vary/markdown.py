"""What vary found, in Markdown: for a pull request, a job summary, an issue."""

from __future__ import annotations

import shlex

from samebits.reports import result_words
from samebits.reports.markdown import code, code_cell, escaped, table
from samebits.vary import phrases
from samebits.vary.result import FactorResult, VaryResult


def render(result: VaryResult) -> str:
    """A document with one heading; every text from outside is escaped."""
    parts = [
        f"## {result_words.SIGNS[result.verdict]} {phrases.HEADS[result.verdict]}",
        escaped(phrases.headline(result)),
        f"What to do: {escaped(result.advice)}" if result.advice else "",
        table(["factor", "", "values", "what was seen"], [_row(factor) for factor in phrases.told(result)]),
        f"Held: {escaped(phrases.held(result))}.",
        "".join(f"- not varied: {escaped(said)}\n" for said in phrases.left_out(result)).rstrip(),
        f"By chance: {escaped(phrases.chance(result))}." if result.verdict == "diverged" else "",
        "".join(f"- note: {escaped(said)}\n" for said in result.warnings).rstrip(),
        f"Command: {code(shlex.join(result.setup.command))}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(factor: FactorResult) -> list[str]:
    values = ", ".join(code_cell(value.value) for value in factor.values)
    said = "<br>".join(escaped(line) for line in phrases.facts(factor))
    return [code_cell(factor.id), code_cell(phrases.MARKS[factor.answer]), values, said]
