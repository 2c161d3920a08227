"""A study as one Markdown document, with links to the figures beside it."""

from __future__ import annotations

from pathlib import Path

from samebits.reports.presenters import markdown
from samebits.reports.presenters.markdown import code, escaped
from samebits.reports.table import Table
from samebits_study.reports import glance, phrases
from samebits_study.reports.figure import Figure
from samebits_study.results import SetupResult, StudyResult


def render(result: StudyResult, tables: list[Table], figures: list[tuple[Figure, list[Path]]]) -> str:
    """The document. `figures`: each with the files that were drawn of it, none where it could not be."""
    parts = [
        f"# {escaped(phrases.title(result))}: does its training repeat?",
        *map(escaped, glance.says(result)),
        "\n".join(_setup(setup, result) for setup in result.setups),
        *_section("The paper's tables", [markdown.table(table) for table in tables if table.of_the_paper]),
        *_section("The paper's figures", [_figure(*one) for one in figures if one[0].of_the_paper]),
        *_section(
            glance.beyond(result),
            [
                *(_figure(*one) for one in figures if not one[0].of_the_paper),
                *(markdown.table(table) for table in tables if not table.of_the_paper),
            ],
        ),
        "## How this was made",
        f"```\n{phrases.again(result)}\n```",
        "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in phrases.data(result)),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def _section(title: str, parts: list[str]) -> list[str]:
    """A heading and what is below it; nothing where there is nothing below it."""
    return [f"## {title}", *parts] if parts else []


def _setup(setup: SetupResult, result: StudyResult) -> str:
    return f"- {code(phrases.sign(setup))} **{escaped(setup.id)}**: {escaped('; '.join(glance.facts(setup, result)))}"


def _figure(figure: Figure, files: list[Path]) -> str:
    head = f"**{figure.name}.** {escaped(figure.title)}"
    svg = next((path for path in files if path.suffix == ".svg"), None)
    if svg is None:
        return f"{head} {escaped(figure.why)}"
    said = escaped(" ".join([figure.caption, *figure.notes]))
    return f"{head} {said}\n\n![{escaped(figure.title)}]({svg.parent.name}/{svg.name})"
