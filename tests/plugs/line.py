"""A report as one line of text, for a log."""

from __future__ import annotations

from samebits.reports.tree import Report


def render(report: Report) -> str:
    """The verdict and its headline."""
    return f"{report.head} | {report.headline}\n"
