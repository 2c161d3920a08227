"""Showing what parity found: the screen, the files that were asked for, and the exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from samebits.cli import answers

if TYPE_CHECKING:
    from samebits_parity.report import Report


def answer(report: Report, json: str, targets: answers.Targets, *, screen: Report | None = None) -> int:
    """Show a report, write it where it was asked for. `json`: the document that --json writes; `screen`: what is shown
    of a report that is too long for a terminal."""
    from samebits.reports import colour
    from samebits_parity import presenters
    from samebits_parity.report import COLOURS, EXIT_CODES

    stream = sys.stderr if answers.SCREEN in targets.values() else sys.stdout
    text = colour.fitted(
        lambda width: presenters.terminal(screen or report, width=width), COLOURS[report.verdict], stream
    )
    answers.say(text, stream)
    for name, target in targets.items():
        if target:
            answers.write_text(name, target, json + "\n" if name == "json" else _rendered(name, report))
    return EXIT_CODES[report.verdict]


def _rendered(name: str, report: Report) -> str:
    from samebits_parity import presenters

    return presenters.markdown(report) if name == "md" else presenters.page(report)
