"""The reports of a study: tables, figures and a page. They can be made again at any time from its document."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from samebits import words
from samebits.model import Verdict
from samebits.reports import result_words
from samebits.reports.table import Column, StyledText, Table, shown
from samebits.reports.tree import (
    CASE_STATES,
    DOCUMENT,
    MARKDOWN,
    PAGE,
    SCREEN,
    AnyBlock,
    Code,
    Drawing,
    Facts,
    JUnitCase,
    MemberOutcome,
    Outcomes,
    Report,
    Section,
    Text,
)
from samebits.words import listed
from samebits_study.catalog import STUDIES
from samebits_study.reports import measures, paper, phrases
from samebits_study.reports.figures import Figure
from samebits_study.results import SetupResult, StudyResult

__all__ = ["Drawn", "DrawnFigure", "case", "facts_of", "main_measure", "outcome", "picture", "report", "says"]

SHOWN_FIRST = "setups"  # the figure that shows all setups side by side
TERMS = "1"  # the table of terms, which comes last
SIGNS = "= the trials agree; != they differ; ? no answer."
MADE = "This page, the tables (Markdown, CSV, LaTeX) and the figures (PNG, SVG) are made from study.json beside it."
PAPER = (
    "The paper: S. S. Alahmari, D. B. Goldgof, P. R. Mouton, L. O. Hall, Challenges for the Repeatability of Deep "
    "Learning Models, IEEE Access, 2020, doi 10.1109/ACCESS.2020.3039833. The paper's numbers are quoted "
    "from it; all other numbers are those of this study."
)


class DrawnFigure(NamedTuple):
    """A figure, its drawn files (none if it could not be drawn), and its address in a document."""

    figure: Figure
    files: list[Path]
    address: str = ""


Drawn = Sequence[DrawnFigure]


def report(
    result: StudyResult, tables: list[Table], drawn: Drawn, wanted: Collection[str] | None = None, page: str = ""
) -> Report:
    """Return the report.

    `wanted`: the setups that must be done (None: all); `page`: the address of the page, for a terminal.
    """
    shown_first = [one for one in drawn if one.figure.id == SHOWN_FIRST]
    rest = [one for one in drawn if one.figure.id != SHOWN_FIRST]
    return Report(
        title=f"{phrases.title(result)}: does its training repeat?",
        blocks=(
            Outcomes(tuple(outcome(setup, result, is_short=True) for setup in result.setups), on=SCREEN),
            *([Facts((("page", StyledText(page, "command")),), on=SCREEN)] if page else []),
            *(Text(line, on=DOCUMENT) for line in says(result)),
            _summary(result, shown_first),
            *_section("The paper's figures", "paper-figures", _figures(rest, result, of_the_paper=True)),
            *_section("The paper's tables", "paper-tables", _tables(tables, of_the_paper=True)),
            *_section(
                "Beyond the paper" if result.study in paper.STUDIES else "Tables and figures",
                "beyond",
                [*_figures(rest, result, of_the_paper=False), *_tables(tables, of_the_paper=False)],
            ),
            _how(result),
        ),
        footer=PAPER if result.study in paper.STUDIES else "",
        created=result.created,
        document=result,
        cases=tuple(case(setup, result, wanted) for setup in result.setups),
    )


def case(setup: SetupResult, result: StudyResult, wanted: Collection[str] | None = None) -> JUnitCase:
    """Return the setup as one test: a failure if its trials differ; an error if it is not done, or has no answer.

    A setup that is not wanted is skipped instead, because the exit status does not count it.
    """
    verdict = phrases.VERDICTS[phrases.sign(setup)]
    is_open = verdict == "repeated" and setup.status != "done"
    state = "error" if is_open else CASE_STATES[verdict]
    is_wanted = wanted is None or setup.id in wanted
    facts = facts_of(setup, result)
    return JUnitCase(
        "samebits.study",
        f"{result.study} {result.scale} {setup.id}",
        "skipped" if state == "error" and not is_wanted else state,
        facts[0] if not setup.models else f"{facts[0]}; {setup.sentence}",
        "\n".join(map(words.one_line, facts[1:])),
        tuple(_properties(setup, verdict)),
        seconds=sum(one.train_seconds + one.test_seconds for one in setup.models),
    )


def _properties(setup: SetupResult, verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "verdict", verdict
    yield "status", setup.status
    yield "models", str(len(setup.groups))
    for kind, mark in setup.judged.items():
        yield f"kind.{kind}", result_words.MARK_WORDS.get(mark, mark)
    yield from ((f"trial.{one.trial}", f"group {phrases.letter(setup, one)}") for one in setup.models)


def outcome(setup: SetupResult, result: StudyResult, *, is_short: bool = True) -> MemberOutcome:
    """Return the setup as one line: its verdict, and what was seen. `is_short`: why it is not done stands apart."""
    sign = phrases.sign(setup)
    facts = "; ".join(facts_of(setup, result, why=not is_short))
    reason = " ".join(setup.reason.split()) if is_short else ""
    return MemberOutcome(phrases.VERDICTS[sign], sign, setup.id, setup.about, facts, reason)


def _summary(result: StudyResult, drawn: Drawn) -> Section:
    """Return the figure of all setups, and each setup in a line."""
    figures = [picture(one) for one in drawn]
    setups = tuple(outcome(setup, result, is_short=False) for setup in result.setups)
    return Section("Summary", "summary", (*figures, Outcomes(setups), Text(SIGNS, "soft", on=PAGE)), on=DOCUMENT)


def _section(title: str, anchor: str, blocks: list[AnyBlock]) -> list[Section]:
    """Return a section with a heading; nothing if it would be empty."""
    return [Section(title, anchor, tuple(blocks), on=DOCUMENT)] if blocks else []


def _tables(tables: list[Table], *, of_the_paper: bool) -> list[AnyBlock]:
    """Return each table.

    Tables of models show only their means until a click, so that people can read the page in a few minutes.
    """
    return [
        block
        for table in sorted(tables, key=_place)
        if table.of_the_paper == of_the_paper
        for block in (_of_models(table) if measures.is_of_models(table) else _folded(table))
    ]


def _place(table: Table) -> int:
    """Return the order of tables on a page.

    Among tables that are not the paper's, the measures of the models come first. The table of terms comes last.
    """
    if table.of_the_paper:
        return 2 if table.id == TERMS else 1
    return 0 if measures.is_of_models(table) else 1


def _of_models(table: Table) -> list[AnyBlock]:
    """Return the means, and below them a folded table of every model."""
    every = replace(table, title="", is_folded=True)
    return [Section(f"{table.name}. {table.title}", table.anchor, (measures.means(table), every), on=DOCUMENT)]


def _folded(table: Table) -> list[AnyBlock]:
    """Return a folded table below its title. On a page, the heading has its name."""
    folded = replace(table, is_folded=True)
    return [replace(folded, on=MARKDOWN), replace(folded, title=f"{table.name}. {table.title}", on=PAGE)]


def _figures(drawn: Drawn, result: StudyResult, *, of_the_paper: bool) -> list[AnyBlock]:
    """Return the figures. The paper's are open, unless the entry of the study folds them."""
    known = STUDIES.get(result.study)
    folded = known.folded_figures if known else ()
    wanted = [one for one in drawn if one.figure.of_the_paper == of_the_paper]
    return [replace(picture(one), is_folded=not of_the_paper or one.figure.id in folded) for one in wanted]


def picture(drawn: DrawnFigure) -> Drawing:
    """Return a figure as a block of a report."""
    figure = drawn.figure
    svg = next((path for path in drawn.files if path.suffix == ".svg"), None)
    said = " ".join([figure.caption, *figure.notes])
    image = _inline(svg) if svg else ""
    return Drawing(f"figure-{figure.id}", figure.name, figure.title, said, figure.why, drawn.address, image)


def _inline(svg: Path) -> str:
    """Return the SVG as a data URL. It becomes an image, so that its style and names do not mix with the page's."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.read_bytes()).decode("ascii")


def _how(result: StudyResult) -> Section:
    amount = f"{words.count(result.trials, 'trial')}, {words.count(result.epochs, 'epoch')}"
    scale = f"{result.scale}: {amount}" + (f", {' '.join(result.arguments)}" if result.arguments else "")
    data = phrases.data(result)
    facts = [("scale", scale), *((f"data: {name}", value) for name, value in data)]
    columns = (Column("What"), Column("Value", wide=True))
    blocks: tuple[AnyBlock, ...] = (
        Code(phrases.again(result)),
        *_folded(Table(id="data", title="The scale and the data.", columns=columns, rows=tuple(facts))),
        Text(MADE, on=PAGE),
    )
    return Section("How this was made", "how", blocks, on=DOCUMENT)


def main_measure(setup: SetupResult, result: StudyResult) -> str:
    """Return a text such as `accuracy 98.99 ± 0.044 %`. Of cells, it has F1, Dice and the error rate.

    It also says in how many trials a measure is undefined, and why. It is empty if nothing was judged.
    """
    return ", ".join(_measured(setup, one) for one in measures.main(result)) if setup.models else ""


def _measured(setup: SetupResult, measure: measures.Measure) -> str:
    values = measure.values(setup)
    missing = [why for value, why in map(measure.of, setup.models) if value is None]
    name, _, unit = measure.head.partition(" (")
    parts = [f"{shown(measures.spread(values, measure.digits))} {unit.rstrip(')')}".rstrip()] if values else []
    if missing:
        where = f" in {words.count(len(missing), 'trial')}" if values else ""
        parts.append(f"undefined{where} ({'; '.join(dict.fromkeys(missing))})")
    return f"{name if name in ('F1', 'Dice') else name.lower()} {', '.join(parts)}"


def facts_of(setup: SetupResult, result: StudyResult, *, why: bool = True) -> list[str]:
    """Return the trials and models, where they diverge, and their main measure.

    `why`: also why the setup is not complete.
    """
    said = [
        f"{phrases.trials(setup, result)}, {phrases.models(setup)}" if setup.models else phrases.trials(setup, result)
    ]
    if setup.divergence:
        said.append(f"they diverge at {phrases.where(setup)}")
    elif phrases.sign(setup) == "?" and setup.models and setup.sentence:
        said.append(setup.sentence)
    said.append(main_measure(setup, result))
    said.append(setup.reason if why else "")
    return [part for part in said if part]


_COUNTED = (("=", "gave the same bits in all trials"), ("!=", "gave different bits"), ("?", "gave no answer"))


def says(result: StudyResult) -> list[str]:
    """Return the study in sentences."""
    ran = phrases.done(result)
    signs = [phrases.sign(setup) for setup in ran]
    machines = ", ".join(measures.machines(ran)) or "no machine"
    parts = [f"{words.count(count, 'setup')} {what}" for one, what in _COUNTED
             if (count := signs.count(one))]  # fmt: skip
    return [
        f"{result.study} at the scale {result.scale}: {words.count(len(ran), 'setup')} with {_trials(ran, result)} "
        f"each, {words.count(result.epochs, 'epoch')} in each trial, on {machines}.",
        f"{listed(parts)}." if parts else "No setup was run.",
    ]


def _trials(ran: list[SetupResult], result: StudyResult) -> str:
    """Return how many trials a setup has: 7 trials, or 2 to 7 trials if setups have different numbers."""
    numbers = [len(setup.models) for setup in ran] or [result.trials]
    few = f"{min(numbers):,} to " if min(numbers) < max(numbers) else ""
    return few + words.count(max(numbers), "trial")
