"""Shows the findings of trials with a faster clock: which values follow the clock, and which are not understood."""

from __future__ import annotations

from collections.abc import Iterator

from samebits import words
from samebits.model import ClockLaw, Result, UnknownPlace
from samebits.reports.table import Cell, Column, StyledText, Table
from samebits.reports.tree import DOCUMENT, Section

MOST_LINES = 12  # places that a terminal shows; a page shows all
_LAWS = {
    "duration": "a duration: it grows with the rate of the clock",
    "rate": "a rate: it shrinks as the clock runs faster",
    "moment": "a moment of the trial",
    "known": "a text that the program got from the clock",
    "none": "no time: it does not follow the clock",
}


def clock_sections(result: Result) -> Iterator[Section]:
    """Yield all places that are not understood, and what trials with a faster clock showed."""
    place = Column("place", wide=True)
    if result.unknown:
        columns = (place, Column("trials"), Column("values", wide=True), Column("seen", wide=True))
        table = Table("places in a row each", "", columns, tuple(map(_unknown, result.unknown)))
        yield Section("What is not understood", "unknown", (table,), on=DOCUMENT)
    if result.settled:
        laws = (place, Column("what it is", wide=True), Column("times as large"))
        table = Table("places in a row each", "", laws, tuple(map(_settled, result.settled)))
        yield Section("What trials with a faster clock showed", "clock", (table,), on=DOCUMENT)


def unknown_facts(result: Result) -> Iterator[tuple[str, Cell]]:
    """Yield a line for each place that is not understood, if the headline does not name the only one."""
    places = result.unknown if len(result.unknown) > 1 else []
    yield from (("place", place_words(place)) for place in places[:MOST_LINES])
    if len(places) > MOST_LINES:
        yield "", f"and {words.count(len(places) - MOST_LINES, 'more place')}; a page (--html) shows all"


def place_words(place: UnknownPlace) -> str:
    """Return a place, its values, and the finding about it, in one line."""
    finding = f" ({place.seen})" if place.seen else ""
    return f"{place.place}{': ' if any(place.values) else ''}{_values(place)}{finding}"


def _values(place: UnknownPlace) -> str:
    return " and ".join(value or "nothing" for value in place.values) if any(place.values) else ""


def _unknown(place: UnknownPlace) -> tuple[Cell, ...]:
    return StyledText(place.place, "code"), words.ids(place.trials), StyledText(_values(place), "code"), place.seen


def _settled(place: ClockLaw) -> tuple[Cell, ...]:
    ratios = ", ".join(f"{ratio:.3g}" for ratio in place.ratio)
    return StyledText(place.place, "code"), _LAWS[place.law], ratios
