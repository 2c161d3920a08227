"""A report as one self-contained page: no script, no request; light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from samebits import words
from samebits.reports import figures, table
from samebits.reports.tree import PAGE, AnyBlock, Report

__all__ = ["render"]

TEMPLATES = Path(__file__).parents[1] / "templates"
COLOURS = 6  # of groups; more repeat them, their letters do not
TALL = 25  # rows; a table with more is scrolled in a frame


def render(report: Report) -> str:
    """The page."""
    return _templates().get_template("report.html").render(report=report, tall=TALL)


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_clean,
    )
    environment.filters.update(shown=table.shown, absent=table.is_absent, colour=_colour, kind=_kind, page=_on_page)
    return environment


def _clean(value: Any) -> Any:
    """Texts from outside without control characters; the template's own markup as it is."""
    return words.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _colour(group: str) -> str:
    """The class that colours a group."""
    return f"g{figures.place_of(group) % COLOURS}" if group else "all"


def _kind(block: object) -> str:
    """The name of the macro that writes a block or a cell."""
    return type(block).__name__


def _on_page(blocks: tuple[AnyBlock, ...]) -> list[AnyBlock]:
    return [block for block in blocks if block.on >= PAGE]
