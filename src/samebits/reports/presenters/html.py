"""A report as one self-contained page: no script, no request; light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from samebits import words
from samebits.reports import figures, table
from samebits.reports.figures import Plots
from samebits.reports.table import Table
from samebits.reports.tree import PAGE, AnyBlock, Contents, Drawing, FoldedBlock, Report, Section, SideBySide

__all__ = ["render"]

TEMPLATES = Path(__file__).parents[1] / "templates"
COLOURS = 6  # colours of groups; more groups use them again, but never the same letter
ANSWERS = ("next", "where")  # sections that follow the first one before the contents
LEAST_LINKS = 3  # sections from which on a page has contents
MOST_LINKS = 16  # of contents that stand open
TALL = 25  # rows; a table with more is scrolled in a frame


def render(report: Report) -> str:
    """Return the page."""
    blocks = _with_contents(_on_page(report.blocks))
    return _templates().get_template("report.html").render(report=report, blocks=blocks, tall=TALL)


def _with_contents(blocks: list[AnyBlock]) -> list[AnyBlock]:
    """Return the blocks with a list of all sections after the first.

    The list is below the blocks that answer, because the answer comes first. If there is no section, the list is above
    the first block to which it links.
    """
    sections = (n for n, block in enumerate(blocks, 1) if isinstance(block, Section | SideBySide))
    place = next(sections, None) or next((n for n, block in enumerate(blocks) if any(_links([block]))), 0)
    links = tuple(_links(blocks[place:]))
    while place < len(blocks) and isinstance(block := blocks[place], Section) and block.id in ANSWERS:
        place += 1
    return [*blocks[:place], Contents(links), *blocks[place:]] if len(links) >= LEAST_LINKS else blocks


def _links(blocks: Sequence[AnyBlock]) -> Iterator[tuple[str, str]]:
    """Yield (anchor, title) of each section, table and figure."""
    for block in _on_page(blocks):
        if isinstance(block, Section):
            yield block.id, block.title
        elif isinstance(block, Table) and block.title:
            yield block.anchor, _heading(block.title)
        elif isinstance(block, Drawing):
            yield block.id, block.heading
        elif isinstance(block, Plots):
            captions = [f"{plot.name}: {plot.about}" if plot.about else plot.name for plot in block.plots]
            yield from zip(block.anchors, captions, strict=True)
        yield from _links(_inside(block))


def _inside(block: AnyBlock) -> Sequence[AnyBlock]:
    if isinstance(block, SideBySide):
        return block.sections
    return block.blocks if isinstance(block, Section | FoldedBlock) else ()


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
    environment.globals.update(count=words.count, many=MOST_LINKS)
    environment.filters.update(shown=table.shown, absent=table.is_absent, colour=_colour, page=_on_page)
    environment.filters.update(moment=words.moment, whole_numbers=_whole_numbers, heading=_heading)
    environment.filters["kind"] = lambda block: type(block).__name__  # of the macro that writes a block or a cell
    return environment


def _clean(value: Any) -> Any:
    """Removes control characters from texts of the program; the template's own markup stays as it is."""
    return words.one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _heading(title: str) -> str:
    """Return a title without its full stop if it is one phrase; `Table 7. Accuracy.` is two."""
    return title.removesuffix(".") if title.count(".") == 1 else title


def _whole_numbers(text: str) -> Markup:
    """Return a text in which no line ends within `90.27 ± 0.1 %`."""
    return Markup(re.sub(r" (?=[%±])|(?<=±) ", "&nbsp;", escape(_clean(text))))


def _colour(group: str) -> str:
    """Return the class that colours a group."""
    return f"g{figures.place_of(group) % COLOURS}" if group else "all"


def _on_page(blocks: Sequence[AnyBlock]) -> list[AnyBlock]:
    return [block for block in blocks if block.on >= PAGE]
