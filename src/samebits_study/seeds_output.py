"""Writes the report of a study of several seeds into its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samebits.reports.table import StyledText
from samebits.reports.tree import DOCUMENT, SCREEN, Code, Facts, Outcomes, Report, Section, Text
from samebits.store import write_document
from samebits_study import output
from samebits_study.reports import Drawn, case, outcome, phrases, picture, seeds
from samebits_study.results import StudyResult
from samebits_study.seeds import SEEDS, SeedsStudy


def write(study: SeedsStudy, results: Sequence[StudyResult], folder: Path) -> None:
    """Write the numbers, the figure, the tables and the page of a study into its folder."""
    tables = seeds.tables(results)
    output.write_tables(tables, folder)
    drawn = output.draw([seeds.figure(results)], folder)
    made = report(study, results, folder, drawn)
    assert isinstance(made.document, SeedsStudy)
    write_document(folder / SEEDS, made.document)
    output.write_pages(made, folder)


def report(study: SeedsStudy, results: Sequence[StudyResult], folder: Path, drawn: Drawn = ()) -> Report:
    """Return the report. `drawn`: the figure, for a page."""
    again = f"{phrases.again(results[0])} --seeds {','.join(map(str, study.seeds))}"
    page, by_seed = folder / output.PAGE, list(zip(study.seeds, results, strict=True))
    return Report(
        title=seeds.title(results),
        blocks=(
            *(Text(line) for line in seeds.says(results)),
            *([Facts((("page", StyledText(str(page), "command")),), on=SCREEN)] if page.is_file() else []),
            Section("Summary", "summary", (*map(picture, drawn), *seeds.tables(results)), on=DOCUMENT),
            *(_of_seed(seed, result) for seed, result in by_seed),
            Section("How this was made", "how", (Code(again),), on=DOCUMENT),
        ),
        created=results[-1].created,
        document=study.model_copy(update={"measures": seeds.measured(results)}),
        cases=tuple(
            replace(made, name=f"{made.name} seed {seed}")
            for seed, result in by_seed
            for made in (case(setup, result) for setup in result.setups)
        ),
    )


def _of_seed(seed: int, result: StudyResult) -> Section:
    setups = Outcomes(tuple(outcome(setup, result) for setup in result.setups))
    return Section(f"Seed {seed}", f"seed-{seed}", (setups,), on=DOCUMENT)
