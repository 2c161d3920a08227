"""How a difference spreads: in the step in which trials diverge, and over layers and steps. For pages."""

from __future__ import annotations

from collections.abc import Iterator

from samebits.model import Result
from samebits.reports.distance_heat import distance_map
from samebits.reports.heat import differences, heat_map
from samebits.reports.timeline import timeline
from samebits.reports.tree import PAGE, Section
from samebits.store.record import Record


def spread(result: Result, record: Record | None) -> Iterator[Section]:
    """Yield a section for each figure; nothing if nothing that a step observes differs."""
    found = differences(result, record)
    figures = (
        ("The step in which they diverge", "step", timeline(result, found)),
        ("What differs, layer by layer and step by step", "heat", heat_map(result, found)),
        ("How far two trials are apart, layer by layer and step by step", "distances", distance_map(result.location)),
    )
    for title, anchor, figure in figures:
        if figure is not None:
            yield Section(title, anchor, (figure,), on=PAGE)
