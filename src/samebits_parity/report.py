"""The report of a comparison of libraries. Its documents have their own words for the three verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from samebits.model import Verdict
from samebits.reports.table import Table
from samebits.reports.tree import CASE_STATES, SCREEN, AnyBlock, Facts, JUnitCase, Notes, Report
from samebits.words import one_line

if TYPE_CHECKING:
    from pydantic import BaseModel

    from samebits.document import Document

Agreement = Literal["agree", "differ", "unknown"]
VERDICTS: dict[Agreement, Verdict] = {"agree": "repeated", "differ": "diverged", "unknown": "inconclusive"}
HEADS: dict[Agreement, str] = {"agree": "AGREE", "differ": "DIFFER", "unknown": "NO ANSWER"}


def compared(
    title: str, found: Agreement, sentence: str, document: Document | BaseModel, blocks: Iterable[AnyBlock]
) -> Report:
    """Return the report. `sentence`: what was found, in one sentence."""
    shown = tuple(blocks)
    return Report(
        title=title,
        verdict=VERDICTS[found],
        head=HEADS[found],
        headline=sentence,
        blocks=shown,
        document=document,
        cases=(_case(title, found, sentence, shown),),
    )


def _case(title: str, found: Agreement, sentence: str, blocks: Iterable[AnyBlock]) -> JUnitCase:
    """Return the comparison as one test: it passes if the libraries agree."""
    rows = (row for block in blocks if isinstance(block, Facts) for row in block.rows)
    lines = [f"{name}: {one_line(value)}" for name, value in rows if isinstance(value, str)]
    state = CASE_STATES[VERDICTS[found]]
    return JUnitCase("samebits.parity", title, state, sentence, "\n".join(lines), (("found", found),), "Difference")


def parts(
    facts: Iterable[tuple[str, str]], tables: Iterable[Table], notes: Iterable[str] = (), elsewhere: str = ""
) -> list[AnyBlock]:
    """Return the facts and tables, then what was not tried, and why.

    `elsewhere`: where to find what a terminal does not show.
    """
    rows, lines = tuple(facts), tuple(notes)
    blocks: list[AnyBlock] = [Facts(rows)] if rows else []
    blocks += tables
    blocks += [Notes(lines)] if lines else []
    blocks += [Notes((elsewhere,), on=SCREEN)] if elsewhere else []
    return blocks
