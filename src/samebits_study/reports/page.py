"""A study as one self-contained page: no script, no request; light and dark, narrow and wide, screen and paper."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from samebits import words
from samebits.reports import html
from samebits.reports.table import Table
from samebits_study.reports import glance, paper, phrases
from samebits_study.reports.figure import Figure
from samebits_study.results import SetupResult, StudyResult

TEMPLATES = Path(__file__).parents[1] / "templates"
TALL = 24  # rows; a table with more is scrolled in a frame


def render(result: StudyResult, tables: list[Table], figures: list[tuple[Figure, list[Path]]]) -> str:
    """The page. `figures`: each with the files that were drawn of it, none where it could not be."""
    return (
        html.templates(TEMPLATES)
        .get_template("study.html")
        .render(
            result=result,
            title=phrases.title(result),
            says=glance.says(result),
            beyond=glance.beyond(result),
            of_the_paper=result.study in paper.STUDIES,
            setups=[_setup(setup, result) for setup in result.setups],
            tables=tables,
            figures=[(figure, _inline(files)) for figure, files in figures],
            data=phrases.data(result),
            command=phrases.again(result),
            tall=TALL,
            counted=words.count,
        )
    )


def _setup(setup: SetupResult, result: StudyResult) -> dict[str, Any]:
    sign = phrases.sign(setup)
    return {"setup": setup, "sign": sign, "verdict": phrases.VERDICTS[sign], "facts": glance.facts(setup, result)}


def _inline(files: list[Path]) -> str:
    """The SVG as an address that holds it; as an image, so that its style and names stay its own."""
    svg = next((path for path in files if path.suffix == ".svg"), None)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.read_bytes()).decode("ascii") if svg else ""
