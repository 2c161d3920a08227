"""A report as JSON: the document that it was made from, which reads back."""

from __future__ import annotations

import json

from samebits.reports.tree import Report


def render(report: Report) -> str:
    """Return one JSON document, ended by a newline. It is ASCII only, so it survives every console and mailer."""
    return json.dumps(json.loads(report.document.model_dump_json()), indent=2) + "\n"
