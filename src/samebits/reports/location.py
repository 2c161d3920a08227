"""What `samebits locate` found, as a section: the way to the operator, the looks, how far the trials diverge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from samebits import words
from samebits.location import Apart, FirstOutput, InspectionRound, Location
from samebits.reports import figures, result_words
from samebits.reports.figures import Plot, Plots
from samebits.reports.history import Curve, History, TrialLine
from samebits.reports.tree import DOCUMENT, SCREEN, AnyBlock, Code, Facts, NestedTree, Notes, Section, Text

MOST_GROWTH = 5
MOST_UNORDERED = 6
MOST_DRAWN_ALONE = 2  # points of which a figure shows nothing
LEVELS = {"module": "modules", "operator": "operators", "replay": "operators, replayed"}


def blocks(found: Location) -> Iterator[AnyBlock]:
    """The section, with an empty line before it on a terminal."""
    yield Text("", on=SCREEN)
    plot = _plot(found)
    yield Section(
        "Looked at more closely",
        "located",
        (
            Text(found.sentence, on=DOCUMENT),
            *([NestedTree(tuple((one.level, one.name, one.detail) for one in found.path))] if found.path else []),
            *([Facts(known)] if (known := tuple(_facts(found))) else []),
            *([Notes(tuple(found.notes))] if found.notes else []),
            *([Code("\n".join(found.diff), "what they did differently")] if found.diff else []),
            *([Plots("apart", (plot,))] if plot is not None else []),
        ),
        said=f"   located: {found.sentence}",
    )


def _facts(found: Location) -> list[tuple[str, str]]:
    """(label, text) of what is known beside the way."""
    known = [("size", _size(found)), ("looks", found.words), *(("looked", looked(look)) for look in found.looks)]
    known += [("apart", apart(found)), *(("race", race) for race in unordered(found))]
    known += [("replay", ", ".join(found.replayed))]
    return [(label, text) for label, text in known if text]


def _plot(found: Location) -> Plot | None:
    """The relative distance of the followed tensor over the steps after the divergence."""
    known = [(one.step - found.step, one.relative) for one in found.growth if one.relative and one.step >= found.step]
    if len(known) <= MOST_DRAWN_ALONE:
        return None
    x, y = (np.array(numbers, dtype=np.float64) for numbers in zip(*known, strict=True))
    curve = Curve(found.growth_of, [], [TrialLine(0, "A", x, y)])
    (drawn,) = figures.plots(History(steps=int(x.max()), curves=[curve]))
    about = f"distance between two trials, over their steps after step {max(found.step, 0):,}, relative, logarithmic"
    return replace(drawn, about=about, has_key=False)


def _size(found: Location) -> str:
    first: FirstOutput | None = found.operator or found.module
    return result_words.size_words(first.size) if first is not None else ""


def looked(look: InspectionRound) -> str:
    """One look in words."""
    trials = f"{LEVELS[look.level]} of step {look.step:,} in {words.count(look.trials, 'trial')}"
    if not look.parted:
        return f"{trials}: all the same"
    return f"{trials}: {look.parted} diverged" + (f", first at {look.earliest}" if look.earliest else "")


def apart(found: Location) -> str:
    """The distance at a few steps, the first and the last among them."""
    known = [one for one in found.growth if one.step >= found.step]
    every = max(1, -(-len(known) // MOST_GROWTH))
    shown = [*known[:-1][::every], *known[-1:]]
    return f"{found.growth_of}: " + ", ".join(_distance(one) for one in shown) if shown else ""


def _distance(one: Apart) -> str:
    if not one.different:
        return f"equal after step {one.step:,}"
    if one.relative is None:
        return f"{one.different:,} values after step {one.step:,}"
    return f"{one.relative:.2g} after step {one.step:,}"


def unordered(found: Location) -> list[str]:
    """Variables that are read and written without an order, one sentence each."""
    return [
        f"{one.variable} is read by {one.reads[0]} and written by {one.writes[0]}, and nothing orders the two"
        + (f" ({len(one.reads)} such reads)" if len(one.reads) > 1 else "")
        for one in found.unordered[:MOST_UNORDERED]
    ]
