"""What the page of a study is made with: templates that share the style of all pages."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from samebits import words
from samebits.reports import table

TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def templates(own: Path | None = None) -> jinja2.Environment:
    """What pages are made with. `own`: the folder of a page that has its templates elsewhere, and shares the style."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES] if own is None else [own, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    environment.filters.update(shown=table.shown, absent=table.is_absent)
    return environment


def _clean(value: Any) -> Any:
    """Texts from outside without control characters; the template's own markup as it is."""
    return words.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
