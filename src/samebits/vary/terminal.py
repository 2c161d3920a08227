"""What vary found on a terminal: plain lines, a factor each, understood in five seconds."""

from __future__ import annotations

from samebits import words
from samebits.reports import result_words
from samebits.reports.result_words import INDENT
from samebits.vary import phrases
from samebits.vary.result import FactorResult, VaryResult

LABEL = 7
WIDEST_VALUES = 24


def render(result: VaryResult, *, width: int | None = None) -> str:
    """The lines, ended by a newline. `width`: prose is wrapped there; None leaves lines whole (a log, a pipe)."""
    lines = [f"{result_words.SIGNS[result.verdict]:<2} {phrases.HEADS[result.verdict]}: {phrases.headline(result)}"]
    lines += [line for factor in phrases.told(result) for line in _factor(factor, result)]
    lines += [f"{INDENT}{label:<{LABEL}} {said}" for label, said in _facts(result)]
    return (
        "\n".join(folded for line in lines for folded in result_words.folded(words.one_line(line), width, LABEL)) + "\n"
    )


def _factor(factor: FactorResult, result: VaryResult) -> list[str]:
    """factor, mark, values, then what is said of it: the first beside them, the others below."""
    told = phrases.told(result)
    name = max(len(other.id) for other in told)
    values = min(max(len(phrases.tried(other)) for other in told), WIDEST_VALUES)
    start = f"{INDENT}{factor.id:<{name}} {phrases.MARKS[factor.answer]:<2} {phrases.tried(factor):<{values}}  "
    first, *others = phrases.facts(factor)
    return [f"{start}{first}", *(f"{' ' * len(INDENT)}{'':<{name + values + 6}}{said}" for said in others)]


def _facts(result: VaryResult) -> list[tuple[str, str]]:
    facts = [("held", phrases.held(result))] if result.factors else []
    facts += [("without", said) for said in phrases.left_out(result)] if result.factors else []
    facts += [("chance", phrases.chance(result))] if result.verdict == "diverged" else []
    facts += [("do this", result.advice)] if result.advice else []
    look = phrases.look(result)
    facts += [("look", look)] if look else []
    return facts + [("note", said) for said in result.warnings]
