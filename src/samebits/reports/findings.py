"""What `samebits explain` and `samebits locate` found, as sections.

For explain: the cause, the evidence, the cost, the lines to paste. For locate: the path to the operator, the rounds,
how far apart the trials are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from samebits import controls, words
from samebits.documents import Apart, Evidence, Explanation, FirstOutput, Fix, InspectionRound, Location
from samebits.reports import figures, result_words
from samebits.reports.figures import Plot, Plots
from samebits.reports.history import Curve, History, TrialLine
from samebits.reports.table import Cell, Column, StyledText, Table, numbers
from samebits.reports.tree import (
    DOCUMENT,
    SCREEN,
    AnyBlock,
    Code,
    Facts,
    FoldedBlock,
    Format,
    NestedTree,
    Notes,
    Section,
    Text,
)

MOST_ROWS = 12  # rows of evidence on a terminal; a page has all
NO_COST = (1.0, 1.0)  # acts only before the first step, or was not measured
STATES = {
    "parted": "diverge",
    "agreed": "repeat",
    "open": "repeat so far",
    "broke": "does not run",
    "unclear": "no answer",
}


def cause_answer(found: Explanation) -> Iterator[AnyBlock]:
    """Yield the beginning of a document: the cause and the lines to paste."""
    yield Section("Why", "why", (Text(found.sentence, "strong"), *_codes(found), *_patch(found)), on=DOCUMENT)


def _patch(found: Explanation) -> Iterator[Code]:
    """Yield the command that says where the lines go."""
    record = found.evidence[0].record if found.evidence else ""
    if record and found.cause:
        command = f"samebits fix {result_words.folder_name(record)}"
        yield Code(command, "The patch, or the lines to change by hand (--apply tries the patch)")


def _codes(found: Explanation) -> Iterator[Code]:
    for fix in found.fixes:
        place = _place(fix)
        yield Code("\n".join(fix.lines), place[:1].upper() + place[1:])


def explanation_blocks(found: Explanation) -> Iterator[AnyBlock]:
    """Yield the answer on a terminal, the settings that were tried, and further facts."""
    if not found.cause and len(found.evidence) == 1 and not (found.outside_known_controls or found.unfinished):
        yield Facts((("why", found.sentence),), on=SCREEN)
        return
    yield Section(
        "How this was found",
        "tried",
        (
            FoldedBlock(
                f"{words.count(len(found.evidence), 'setting')} tried",
                (_table(rows(found), "result", DOCUMENT), _table(_shown(found), "", SCREEN)),
                is_open=True,
            ),
            *([Facts(tuple(_to_paste(found)), on=SCREEN)] if found.fixes else []),
            *([Facts(said)] if (said := tuple(_facts(found))) else []),
        ),
        said=f"=> WHY: {found.sentence}",
    )


def _table(cells: Sequence[tuple[str, str, str, str]], last: str, on: frozenset[Format]) -> Table:
    columns = (Column("held"), *numbers("trials", "outcomes"), Column(last, wide=True))
    return Table("settings that were tried", "", columns, tuple(cells), on=on)


def rows(found: Explanation) -> list[tuple[str, str, str, str]]:
    """Return all evidence: what was held, trials, outcomes, and what they show."""
    return [_cells(row, found, _again(row, found)) for row in found.evidence]


# the rank of a state if one row stands for several rows of a setting
_FAMILY = {"agreed": "open"}


def _shown(found: Explanation) -> list[tuple[str, str, str, str]]:
    """Return the settings, those that decide first.

    These are: nothing held, everything held, the cause and other minimal sets, and these sets with one member left
    out. Then come the settings that do not run. Each setting appears once; the others are only counted.
    """
    ranked = [(rank, row) for row in found.evidence if (rank := _rank(row, found)) is not None]
    most: dict[tuple[int, str, str], Evidence] = {}
    for rank, row in sorted(ranked, key=lambda one: one[0]):
        key = (rank, held(row, found), _FAMILY.get(row.state, row.state))
        if key not in most or row.trials > most[key].trials:
            most[key] = row
    decided = {label for (_, label, state) in most if state != "open"}
    kept = [row for (_, label, state), row in most.items() if state != "open" or label not in decided]
    told = kept[:MOST_ROWS]
    left = len(found.evidence) - len(told)
    rest = f"... and {words.count(left, 'more setting')}" if told else words.count(left, "setting")
    return [_cells(row, found) for row in told] + ([(rest, "", "", "(samebits report --html)")] if left else [])


def _rank(row: Evidence, found: Explanation) -> int | None:
    """Return its place among the rows that are shown; None if it is not shown."""
    added, everything = _added(row, found), _everything(found)
    sets = [set(names) for names in found.minimal_controls]
    if not added:
        return 0
    if row.state == "broke":
        return 4
    if added == everything:
        return 1
    closed = [added >= names and len(added) - len(names) <= (row.state == "agreed") for names in sets]
    so_far = found.unfinished and row.state == "open" and row.trials > 1
    if any(closed) or so_far:
        return 2
    fewer = [len(names) > 1 and added < names and len(added) == len(names) - 1 for names in sets]
    left = everything - added
    rest = any(name in left and all(name in controls.resolve([one]) for one in left) for name in found.cause)
    return 3 if any(fewer) or rest else None


def _everything(found: Explanation) -> set[str]:
    return max((_added(row, found) for row in found.evidence if row.state != "broke"), key=len, default=set())


def _added(row: Evidence, found: Explanation) -> set[str]:
    return set(row.controls) - set(found.evidence[0].controls)


def _again(row: Evidence, found: Explanation) -> str:
    """Return the additional controls of a setting that held the same as an earlier one."""
    twins = [other for other in found.evidence if _added(other, found) == _added(row, found)]
    if len(twins) < 2 or not row.without_effect:
        return ""
    return f" (without effect: {', '.join(row.without_effect)})"


def _cells(row: Evidence, found: Explanation, again: str = "") -> tuple[str, str, str, str]:
    says = STATES[row.state] + (f": {row.part}" if row.part else "") + (f": {row.why}" if row.why else "")
    if row.steps is not None and row.steps != found.evidence[0].steps:
        says += f" ({words.count(row.steps, 'step')})"
    return held(row, found), str(row.trials), str(row.groups or "-"), says + again


def held(row: Evidence, found: Explanation) -> str:
    """Return what was held in addition to the controls of the check.

    It is a list of names, or everything but those that were left out.
    """
    added, everything = _added(row, found), _everything(found)
    names = [name for name in row.controls if name in added]
    if not names:
        return "nothing" if not row.controls else "as in the check"
    return words.some_of(names, sorted(everything - added))


def _facts(found: Explanation) -> Iterator[tuple[str, Cell]]:
    """Yield the facts beside the evidence and the lines to paste: (label, words)."""
    yield from _of_sets(found)
    if len(everything := _everything(found)) > 3:
        names = next(row.controls for row in found.evidence if _added(row, found) == everything)
        yield "all", f"everything ({len(everything)}): {', '.join(name for name in names if name in everything)}"
    if found.outside_known_controls:
        yield from _outside(found)
    for name, why in found.not_applicable.items():
        yield "unfit", f"{name} was left out, because the program does not run with it: {why}"
    for name, why in found.without_effect.items():
        yield "unheld", f"{name} counts as not held: {why}"
    yield from (("note", note) for note in found.notes)
    if found.needed:
        yield "rule", _rule(found)


def _of_sets(found: Explanation) -> Iterator[tuple[str, str]]:
    for names in found.minimal_controls:
        if names != found.cause:
            yield "also", f"{_and(names)} would do as well"
    if found.operator:
        yield "source", f"the operator {found.operator} gives different bits for the same inputs"
    for names in found.minimal_controls:
        ids = "+".join(names)
        low, high = found.cost_range.get(ids, NO_COST)
        if ids in found.cost and (low, high) != NO_COST:
            yield "cost", f"{_and(names)}: {found.cost[ids]:.2f} times the step ({low:.2f} to {high:.2f})"
    if found.compared:
        yield "seen", f"{found.compared}, compared with {_and(found.cause)} held"


def _outside(found: Explanation) -> Iterator[tuple[str, Cell]]:
    yield (
        "causes",
        "usual ones that no control fixes: process ids, child programs, system files (/proc, /dev), new files' times "
        "and names, timers, the network, generators that seed themselves in compiled code (torch.Generator().seed())",
    )
    first = found.evidence[0]
    if first.part and not any(kind in first.part.split(" > ") for kind in result_words.OPERATOR_KINDS):
        yield "next", "compare what two runs read before that place: print it, or name it with samebits_probe.observe()"
        return
    record = result_words.folder_name(first.record)
    yield "next", StyledText(f"the operation where they diverge:  samebits locate {record}", "command")


def _rule(found: Explanation) -> str:
    tried = found.trials or sum(row.trials for row in found.evidence)
    beside = f", up to {found.at_a_time:,} at a time," if found.at_a_time > 1 else ""
    took = f"{words.count(tried, 'trial')}{beside} in {words.span(found.seconds)}"
    useless = (
        f"; a control without effect would pass in 1 search of {float(f'{1 / found.chance:.1g}'):,.0f}"
        if found.chance
        else ""
    )
    return f"{took}; a setting counts only if {words.count(found.needed, 'trial')} agree{useless}"


def _to_paste(found: Explanation) -> Iterator[tuple[str, Cell]]:
    for fix in found.fixes:
        yield "paste", f"{_place(fix)}:"
        yield from (("", StyledText(f"  {line}", "command")) for line in fix.lines)
    for code in _patch(found):
        yield "patch", StyledText(f"{code.text}   (shows file and line; --apply tries the patch)", "command")


def _place(fix: Fix) -> str:
    """Say where the lines go: "after the imports", or "or, after the imports"."""
    return f"or, {fix.where}" if fix.instead else fix.where


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


MOST_GROWTH = 5
MOST_UNORDERED = 6
MOST_DRAWN_ALONE = 2  # with fewer points a figure shows nothing
LEVELS = {"module": "modules", "operator": "operators", "replay": "operators, replayed"}


def location_blocks(found: Location) -> Iterator[AnyBlock]:
    """Yield the section, with an empty line before it on a terminal."""
    yield Text("", on=SCREEN)
    plot = _plot(found)
    yield Section(
        "Where it begins" if found.found else "Inspections",
        "located",
        (
            Text(found.sentence, on=DOCUMENT),
            *([NestedTree(tuple((one.level, one.name, one.detail) for one in found.path))] if found.path else []),
            *([Facts(known)] if (known := tuple(_location_facts(found))) else []),
            *([Notes(tuple(found.notes))] if found.notes else []),
            *([Code("\n".join(found.diff), "what they did differently")] if found.diff else []),
            *([Plots("apart", (plot,))] if plot is not None else []),
        ),
        said=f"   located: {found.sentence}",
    )


def _location_facts(found: Location) -> list[tuple[str, str]]:
    """Return (label, text) of the facts beside the path."""
    known = [("size", _size(found)), ("looks", found.words), *(("traced", looked(look)) for look in found.looks)]
    known += [("growth", apart(found)), *(("race", race) for race in unordered(found))]
    known += [("replay", ", ".join(found.replayed))]
    return [(label, text) for label, text in known if text]


def _plot(found: Location) -> Plot | None:
    """Return the relative distance of the followed tensor over the steps after the divergence."""
    known = [(one.step - found.step, one.relative) for one in found.growth if one.relative and one.step >= found.step]
    if len(known) <= MOST_DRAWN_ALONE:
        return None
    x, y = (np.array(numbers, dtype=np.float64) for numbers in zip(*known, strict=True))
    curve = Curve(found.growth_of, [], [TrialLine(0, "A", x, y)])
    (drawn,) = figures.plots(History(steps=int(x.max()), curves=[curve]))
    about = f"relative distance of two trials by steps after step {max(found.step, 0):,}, on a logarithmic scale"
    return replace(drawn, about=about, has_key=False)


def _size(found: Location) -> str:
    first: FirstOutput | None = found.operator or found.module
    return result_words.size_words(first.size) if first is not None else ""


def looked(look: InspectionRound) -> str:
    """Describe one round of an inspection."""
    trials = f"{LEVELS[look.level]} of step {look.step:,} in {words.count(look.trials, 'trial')}"
    if not look.parted:
        return f"{trials}: all the same"
    return f"{trials}: {look.parted} diverged" + (f", first at {look.earliest}" if look.earliest else "")


def apart(found: Location) -> str:
    """Return the distance at a few steps, the first and the last among them."""
    known = [one for one in found.growth if one.step >= found.step]
    every = max(1, -(-len(known) // MOST_GROWTH))
    shown = [*known[:-1][::every], *known[-1:]]
    return f"distance of {found.growth_of}: " + ", ".join(_distance(one) for one in shown) if shown else ""


def _distance(one: Apart) -> str:
    if not one.different:
        return f"equal after step {one.step:,}"
    if one.relative is None:
        return f"{words.count(one.different, 'value')} after step {one.step:,}"
    return f"{one.relative:.2g} after step {one.step:,}"


def unordered(found: Location) -> list[str]:
    """Return the variables that are read and written without an order, one sentence each."""
    return [
        f"{one.variable} is read by {one.reads[0]} and written by {one.writes[0]}, and nothing orders the two"
        + (f" ({len(one.reads)} such reads)" if len(one.reads) > 1 else "")
        for one in found.unordered[:MOST_UNORDERED]
    ]
