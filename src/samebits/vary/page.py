"""What vary found as one self-contained page: no script, no request; light and dark, narrow and wide."""

from __future__ import annotations

import shlex
from pathlib import Path

from samebits import words
from samebits.reports import html, result_words
from samebits.vary import phrases
from samebits.vary.result import VaryResult

TEMPLATES = Path(__file__).parent / "templates"


def render(result: VaryResult) -> str:
    """The page."""
    return (
        html.templates(TEMPLATES)
        .get_template("vary.html")
        .render(
            result=result, says=phrases, words=words, wording=result_words, command=shlex.join(result.setup.command)
        )
    )
