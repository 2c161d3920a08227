"""A report as JSON: the document that it was made from, which reads back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from samebits.reports.tree import Report

if TYPE_CHECKING:
    from pydantic import BaseModel


def text_of(document: BaseModel) -> str:
    """Return one JSON document, ended by a newline. It is ASCII only, so it survives every console and mailer."""
    return json.dumps(json.loads(document.model_dump_json()), indent=2) + "\n"


def render(report: Report) -> str:
    """Return the document of the report."""
    return text_of(report.document)
