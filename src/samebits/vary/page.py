"""What vary found as one self-contained page: no script, no request; light and dark, narrow and wide."""

from __future__ import annotations

import functools
import shlex
from pathlib import Path

import jinja2
from markupsafe import Markup

from samebits.reports import html, wording
from samebits.vary import saying
from samebits.vary.result import VaryResult

TEMPLATES = Path(__file__).parent / "templates"


def render(result: VaryResult) -> str:
    """The page."""
    return (
        _templates()
        .get_template("vary.html")
        .render(result=result, says=saying, words=wording, command=shlex.join(result.setup.command))
    )


@functools.cache
def _templates() -> jinja2.Environment:
    """The template, and the style that all pages of the project share."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, html.TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda v: wording.printable(v) if isinstance(v, str) and not isinstance(v, Markup) else v,
    )
