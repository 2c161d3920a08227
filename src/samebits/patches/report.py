"""Makes the report of `fix`: the answer, the first draw, the patch, the causes without a patch, the trials."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from samebits.errors import SamebitsError
from samebits.patches.documents import FIX, ChangedPlace, PatchOutcome, PatchResult, PlaceOfDraw
from samebits.reports.result_words import folder_name
from samebits.reports.table import Cell, StyledText
from samebits.reports.tree import (
    CASE_STATES,
    DOCUMENT,
    PAGE,
    SCREEN,
    AnyBlock,
    Code,
    Facts,
    JUnitCase,
    Notes,
    Report,
    Section,
    Text,
)
from samebits.store.record_files import read_document
from samebits.words import one_line, span

_LONGEST = 400  # characters of a line that the report shows; the patch itself is not cut
HEADS: dict[PatchOutcome, str] = {
    "proposed": "PATCH",
    "trying": "PATCH",
    "mended": "FIXED",
    "refuted": "NOT FIXED",
    "nothing": "NO PATCH",
    "restored": "RESTORED",
}


def report(result: PatchResult) -> Report:
    """Return the report, for every format."""
    head = HEADS[result.outcome]
    if result.outcome == "nothing" and result.verdict == "repeated":
        head = "NOTHING TO FIX"
    return Report(
        verdict=result.verdict,
        head=head,
        headline=result.sentence,
        title="" if result.verdict else head.capitalize(),
        took=f"   {span(result.seconds)}",
        advice=result.advice or "",
        command=tuple(filter(None, [shlex.join(result.command), result.python])),
        blocks=tuple(_blocks(result, head)),
        footer="Made from fix.json in the record.",
        document=result,
        cases=(_case(result),),
    )


def of_record(folder: Path) -> tuple[AnyBlock, ...]:
    """Return what the report of a record says about its patch; nothing if `fix` made none."""
    try:
        result = read_document(folder / FIX, PatchResult)
    except SamebitsError:
        return ()
    if not result.patch:
        return ()
    head = f"{HEADS[result.outcome]}: {result.sentence}"
    return (Section(head, "fix", (Code(result.patch.removesuffix("\n")),), said=head, is_set_in=True),)


def _case(result: PatchResult) -> JUnitCase:
    """Return the fix as one test, named by its command. It passes if there is a patch, or nothing to mend."""
    lines = [*(f"{missing.control}: {missing.why}" for missing in result.unmended), *_changes(result)]
    lines += [f"tried: {trial.sentence}" for trial in result.tried]
    return JUnitCase(
        "samebits.fix",
        shlex.join(result.command),
        CASE_STATES[result.verdict or "repeated"],
        result.sentence,
        "\n".join(map(one_line, lines)),
        (("outcome", result.outcome), ("cause", "+".join(result.cause)), ("record", result.record)),
        seconds=result.seconds,
    )


def _blocks(result: PatchResult, head: str) -> Iterator[AnyBlock]:
    if result.verdict is None:
        yield Text(f"{head}: {result.sentence}", "strong", on=SCREEN)
        yield Facts((("command", shlex.join(result.command)), ("interpreter", result.python or "not known")), on=PAGE)
    facts = list(_facts(result))
    if facts:
        yield Facts(tuple(facts))
    if result.patch:
        lines = result.patch.removesuffix("\n").split("\n")
        text = "\n".join(f"{line[:_LONGEST]}..." if len(line) > _LONGEST else line for line in lines)
        yield Section("Patch", "patch", (Code(text),), said="", is_set_in=False)
    for missing in result.unmended:
        blocks = (Notes((missing.why,), ""), Code("\n".join([*missing.lines, *missing.instead])))
        yield Section(f"No patch fixes {missing.control}", f"unmended-{missing.control}", blocks, on=DOCUMENT)
    if result.notes:
        yield Notes(tuple(result.notes))
    steps = list(_next(result))
    if steps:
        formats = (
            SCREEN if result.verdict else SCREEN | DOCUMENT
        )  # after a verdict, a document has the advice elsewhere
        yield Facts(tuple((name, StyledText(step, "command")) for name, step in steps), on=formats)


def _facts(result: PatchResult) -> Iterator[tuple[str, Cell]]:
    for draw in result.draws:
        yield "draws", f"{draw.generator} first at {_place(draw)}   {draw.text}"
    for number, change in enumerate(_changes(result)):
        yield ("" if number else "where"), change
    for missing in result.unmended:
        yield "not", f"{missing.control}: {missing.why}"
        yield from (("", f"  {line}") for line in missing.lines)
        yield from (("", StyledText(f"  {line}", "command")) for line in missing.instead)
    for trial in result.tried:
        yield "tried", f"{trial.sentence}   {folder_name(trial.record)}"


def _changes(result: PatchResult) -> list[str]:
    return list(dict.fromkeys(f"{_place(change)}   {change.about} ({change.control})" for change in result.changes))


def _place(place: PlaceOfDraw | ChangedPlace) -> str:
    return f"{place.file}:{place.line}" if place.cell is None else f"{place.file}, cell {place.cell}, line {place.line}"


def _next(result: PatchResult) -> Iterator[tuple[str, str]]:
    record = folder_name(result.record)
    if result.outcome in ("proposed", "restored") and not result.unmended:
        yield "next", f"samebits fix --apply {record}   (tries it; restores the files if the trials do not repeat)"
    if result.advice and (result.verdict == "diverged" or result.outcome == "trying"):
        yield "next", result.advice
