"""What `samebits locate` found, as lines: the way to the operator, the looks, how far the trials go apart."""

from __future__ import annotations

from samebits.location import Apart, Executed, Location, Look
from samebits.reports import wording

INDENT = "   "
MOST_GROWTH = 5
MOST_UNORDERED = 6
LEVELS = {"module": "modules", "operator": "operators", "replay": "operators, replayed"}


def lines(found: Location) -> list[str]:
    """Plain lines, the tree first."""
    said = ["", f"{INDENT}located: {found.sentence}"]
    said += [f"{INDENT}  {'  ' * depth}{line}" for depth, line in enumerate(tree(found))]
    facts = [("size", _size(found)), ("looks", found.words), *(("looked", looked(look)) for look in found.looks)]
    facts += [("apart", apart(found))] if found.growth else []
    facts += [("race", race) for race in unordered(found)]
    facts += [("replay", ", ".join(found.replayed))]
    said += [f"{INDENT}{label:<6} {text}" for label, text in facts if text]
    said += [f"{INDENT}note   {note}" for note in found.notes]
    return said + [f"{INDENT}{line}" for line in found.diff]


def tree(found: Location) -> list[str]:
    """One line each station, from the step down."""
    return [f"{place.level:<8} {place.name}" + (f"   ({place.detail})" if place.detail else "") for place in found.path]


def _size(found: Location) -> str:
    first: Executed | None = found.operator or found.module
    return wording.size_words(first.size) if first is not None else ""


def looked(look: Look) -> str:
    """One look in words."""
    trials = f"{LEVELS[look.level]} of step {look.step:,} in {wording.counted(look.trials, 'trial')}"
    if not look.parted:
        return f"{trials}: all the same"
    return f"{trials}: {look.parted} parted" + (f", first at {look.earliest}" if look.earliest else "")


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
