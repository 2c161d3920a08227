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


def cause_answer(why: Explanation) -> Iterator[AnyBlock]:
    """Yield the beginning of a document: the cause and the lines to paste."""
    yield Section("Why", "why", (Text(why.sentence, "strong"), *_codes(why), *_patch(why)), on=DOCUMENT)


def _patch(why: Explanation) -> Iterator[Code]:
    """Yield the command that says where the lines go."""
    record = why.evidence[0].record if why.evidence else ""
    if record and why.cause:
        command = f"samebits fix {result_words.folder_name(record)}"
        yield Code(command, "The patch, or the lines to change by hand (--apply tries the patch)")


def _codes(why: Explanation) -> Iterator[Code]:
    for fix in why.fixes:
        place = _place(fix)
        yield Code("\n".join(fix.lines), place[:1].upper() + place[1:])


def explanation_blocks(why: Explanation) -> Iterator[AnyBlock]:
    """Yield the answer on a terminal, the settings that were tried, and further facts."""
    if not why.cause and len(why.evidence) == 1 and not (why.outside_known_controls or why.unfinished):
        yield Facts((("why", why.sentence),), on=SCREEN)
        return
    yield Section(
        "How this was found",
        "tried",
        (
            FoldedBlock(
                f"{words.count(len(why.evidence), 'setting')} tried",
                (_table(rows(why), "result", DOCUMENT), _table(_shown_rows(why), "", SCREEN)),
                is_open=True,
            ),
            *([Facts(tuple(_to_paste(why)), on=SCREEN)] if why.fixes else []),
            *([Facts(facts)] if (facts := tuple(_facts(why))) else []),
        ),
        said=f"=> WHY: {why.sentence}",
    )


def _table(cells: Sequence[tuple[str, str, str, str]], last: str, on: frozenset[Format]) -> Table:
    columns = (Column("held"), *numbers("trials", "outcomes"), Column(last, wide=True))
    return Table("settings that were tried", "", columns, tuple(cells), on=on)


def rows(why: Explanation) -> list[tuple[str, str, str, str]]:
    """Return all evidence: what was held, trials, outcomes, and what they show."""
    return [_cells(row, why, _again(row, why)) for row in why.evidence]


# the rank of a state if one row stands for several rows of a setting
_FAMILY = {"agreed": "open"}


def _shown_rows(why: Explanation) -> list[tuple[str, str, str, str]]:
    """Return the settings, those that decide first.

    These are: nothing held, everything held, the cause and other minimal sets, and these sets with one member left
    out. Then come the settings that do not run. Each setting appears once; the others are only counted.
    """
    ranked = [(rank, row) for row in why.evidence if (rank := _rank(row, why)) is not None]
    most: dict[tuple[int, str, str], Evidence] = {}
    for rank, row in sorted(ranked, key=lambda pair: pair[0]):
        key = (rank, held(row, why), _FAMILY.get(row.state, row.state))
        if key not in most or row.trials > most[key].trials:
            most[key] = row
    decided = {label for (_, label, state) in most if state != "open"}
    kept = [row for (_, label, state), row in most.items() if state != "open" or label not in decided]
    listed = kept[:MOST_ROWS]
    left = len(why.evidence) - len(listed)
    rest = f"... and {words.count(left, 'more setting')}" if listed else words.count(left, "setting")
    return [_cells(row, why) for row in listed] + ([(rest, "", "", "(samebits report --html)")] if left else [])


def _rank(row: Evidence, why: Explanation) -> int | None:
    """Return its place among the rows that are shown; None if it is not shown."""
    added, everything = _added(row, why), _everything(why)
    sets = [set(names) for names in why.minimal_controls]
    if not added:
        return 0
    if row.state == "broke":
        return 4
    if added == everything:
        return 1
    closed = [added >= names and len(added) - len(names) <= (row.state == "agreed") for names in sets]
    so_far = why.unfinished and row.state == "open" and row.trials > 1
    if any(closed) or so_far:
        return 2
    fewer = [len(names) > 1 and added < names and len(added) == len(names) - 1 for names in sets]
    left = everything - added
    rest = any(name in left and all(name in controls.resolve([other]) for other in left) for name in why.cause)
    return 3 if any(fewer) or rest else None


def _everything(why: Explanation) -> set[str]:
    return max((_added(row, why) for row in why.evidence if row.state != "broke"), key=len, default=set())


def _added(row: Evidence, why: Explanation) -> set[str]:
    return set(row.controls) - set(why.evidence[0].controls)


def _again(row: Evidence, why: Explanation) -> str:
    """Return the additional controls of a setting that held the same as an earlier one."""
    twins = [other for other in why.evidence if _added(other, why) == _added(row, why)]
    if len(twins) < 2 or not row.without_effect:
        return ""
    return f" (without effect: {', '.join(row.without_effect)})"


def _cells(row: Evidence, why: Explanation, again: str = "") -> tuple[str, str, str, str]:
    says = STATES[row.state] + (f": {row.part}" if row.part else "") + (f": {row.why}" if row.why else "")
    if row.steps is not None and row.steps != why.evidence[0].steps:
        says += f" ({words.count(row.steps, 'step')})"
    return held(row, why), str(row.trials), str(row.groups or "-"), says + again


def held(row: Evidence, why: Explanation) -> str:
    """Return what was held in addition to the controls of the check.

    It is a list of names, or everything but those that were left out.
    """
    added, everything = _added(row, why), _everything(why)
    names = [name for name in row.controls if name in added]
    if not names:
        return "nothing" if not row.controls else "as in the check"
    return words.some_of(names, sorted(everything - added))


def _facts(why: Explanation) -> Iterator[tuple[str, Cell]]:
    """Yield the facts beside the evidence and the lines to paste: (label, words)."""
    yield from _of_sets(why)
    if len(everything := _everything(why)) > 3:
        names = next(row.controls for row in why.evidence if _added(row, why) == everything)
        yield "all", f"everything ({len(everything)}): {', '.join(name for name in names if name in everything)}"
    if why.outside_known_controls:
        yield from _outside(why)
    for name, reason in why.not_applicable.items():
        yield "unfit", f"{name} was left out, because the program does not run with it: {reason}"
    for name, reason in why.without_effect.items():
        yield "unheld", f"{name} counts as not held: {reason}"
    yield from (("note", note) for note in why.notes)
    if why.needed:
        yield "rule", _rule(why)


def _of_sets(why: Explanation) -> Iterator[tuple[str, str]]:
    for names in why.minimal_controls:
        if names != why.cause:
            yield "also", f"{_and(names)} would do as well"
    if why.operator:
        yield "source", f"the operator {why.operator} gives different bits for the same inputs"
    for names in why.minimal_controls:
        ids = "+".join(names)
        low, high = why.cost_range.get(ids, NO_COST)
        if ids in why.cost and (low, high) != NO_COST:
            yield "cost", f"{_and(names)}: {why.cost[ids]:.2f} times the step ({low:.2f} to {high:.2f})"
    if why.compared:
        yield "seen", f"{why.compared}, compared with {_and(why.cause)} held"


def _outside(why: Explanation) -> Iterator[tuple[str, Cell]]:
    yield (
        "causes",
        "usual ones that no control fixes: process ids, child programs, system files (/proc, /dev), new files' times "
        "and names, timers, the network, generators that seed themselves in compiled code (torch.Generator().seed())",
    )
    first = why.evidence[0]
    if first.part and not any(kind in first.part.split(" > ") for kind in result_words.OPERATOR_KINDS):
        yield "next", "compare what two runs read before that place: print it, or name it with samebits_probe.observe()"
        return
    record = result_words.folder_name(first.record)
    yield "next", StyledText(f"the operation where they diverge:  samebits locate {record}", "command")


def _rule(why: Explanation) -> str:
    trials = why.trials or sum(row.trials for row in why.evidence)
    beside = f", up to {why.at_a_time:,} at a time," if why.at_a_time > 1 else ""
    took = f"{words.count(trials, 'trial')}{beside} in {words.span(why.seconds)}"
    if all(row.groups != 1 for row in why.evidence):  # no setting agreed, so none could count
        return took
    useless = (
        f"; a control without effect would pass in 1 search of {float(f'{1 / why.chance:.1g}'):,.0f}"
        if why.chance
        else ""
    )
    return f"{took}; a setting counts only if {words.count(why.needed, 'trial')} agree{useless}"


def _to_paste(why: Explanation) -> Iterator[tuple[str, Cell]]:
    for fix in why.fixes:
        yield "paste", f"{_place(fix)}:"
        yield from (("", StyledText(f"  {line}", "command")) for line in fix.lines)
    for code in _patch(why):
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


def location_blocks(location: Location) -> Iterator[AnyBlock]:
    """Yield the section, with an empty line before it on a terminal."""
    yield Text("", on=SCREEN)
    plot, path = _plot(location), tuple((part.level, part.name, part.detail) for part in location.path)
    yield Section(
        "Where it begins" if location.found else "Inspections",
        "located",
        (
            Text(location.sentence, on=DOCUMENT),
            *([NestedTree(path)] if path else []),
            *([Facts(facts)] if (facts := tuple(_location_facts(location))) else []),
            *([Notes(tuple(location.notes))] if location.notes else []),
            *([Code("\n".join(location.diff), "what they did differently")] if location.diff else []),
            *([Plots("apart", (plot,))] if plot is not None else []),
        ),
        said=f"   located: {location.sentence}",
    )


def _location_facts(location: Location) -> list[tuple[str, str]]:
    """Return (label, text) of the facts beside the path."""
    facts = [("size", _size(location)), ("looks", location.words)]
    facts += [("traced", looked(look)) for look in location.looks]
    facts += [("growth", apart(location)), *(("race", race) for race in unordered(location))]
    facts += [("replay", ", ".join(location.replayed))]
    return [(label, text) for label, text in facts if text]


def _plot(location: Location) -> Plot | None:
    """Return the relative distance of the followed tensor over the steps after the divergence."""
    start = location.step
    points = [(row.step - start, row.relative) for row in location.growth if row.relative and row.step >= start]
    if len(points) <= MOST_DRAWN_ALONE:
        return None
    x, y = (np.array(numbers, dtype=np.float64) for numbers in zip(*points, strict=True))
    curve = Curve(location.growth_of, [], [TrialLine(0, "A", x, y)])
    (plot,) = figures.plots(History(steps=int(x.max()), curves=[curve]))
    about = f"relative distance of two trials by steps after step {max(location.step, 0):,}, on a logarithmic scale"
    return replace(plot, about=about, has_key=False)


def _size(location: Location) -> str:
    first: FirstOutput | None = location.operator or location.module
    return result_words.size_words(first.size) if first is not None else ""


def looked(look: InspectionRound) -> str:
    """Describe one round of an inspection."""
    trials = f"{LEVELS[look.level]} of step {look.step:,} in {words.count(look.trials, 'trial')}"
    if not look.parted:
        return f"{trials}: all the same"
    return f"{trials}: {look.parted} diverged" + (f", first at {look.earliest}" if look.earliest else "")


def apart(location: Location) -> str:
    """Return the distance at a few steps, the first and the last among them."""
    rows = [row for row in location.growth if row.step >= location.step]
    every = max(1, -(-len(rows) // MOST_GROWTH))
    listed = [*rows[:-1][::every], *rows[-1:]]
    return f"distance of {location.growth_of}: " + ", ".join(_distance(row) for row in listed) if listed else ""


def _distance(row: Apart) -> str:
    if not row.different:
        return f"equal after step {row.step:,}"
    if row.relative is None:
        return f"{words.count(row.different, 'value')} after step {row.step:,}"
    return f"{row.relative:.2g} after step {row.step:,}"


def unordered(location: Location) -> list[str]:
    """Return the variables that are read and written without an order, one sentence each."""
    return [
        f"{race.variable} is read by {race.reads[0]} and written by {race.writes[0]}, and nothing orders the two"
        + (f" ({len(race.reads)} such reads)" if len(race.reads) > 1 else "")
        for race in location.unordered[:MOST_UNORDERED]
    ]
