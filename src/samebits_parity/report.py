"""What a comparison of libraries found, in the form that every presenter takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from samebits.reports.tables.table import Table

Verdict = Literal["agree", "differ", "unknown"]
EXIT_CODES: dict[Verdict, int] = {"agree": 0, "differ": 1, "unknown": 3}
SIGNS: dict[Verdict, str] = {"agree": "=", "differ": "!=", "unknown": "?"}
HEADS: dict[Verdict, str] = {"agree": "AGREE", "differ": "DIFFER", "unknown": "NO ANSWER"}
COLOURS: dict[Verdict, str] = {"agree": "repeated", "differ": "diverged", "unknown": "inconclusive"}


@dataclass(frozen=True, kw_only=True)
class Report:
    """`sentence`: what was found, in one; `facts`: (label, words) below it; `notes`: what was not tried, and why."""

    title: str
    verdict: Verdict
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    created: str = ""
    samebits: str = ""
