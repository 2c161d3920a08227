"""Lists all places at which trials differ in something that samebits does not understand, and the advice for them.

A place is a part of a file, a printed line, or a value in memory.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from samebits import words
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.traces.beside import is_place
from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict.groups import Comparison
from samebits.model import UnknownPlace

MOST_OF_A_VALUE = 200  # characters
_CLOCK = "Two trials with a faster clock may show whether it counts: --settle always."


class _OpenPlace(NamedTuple):
    """A difference, and the two trials in which it was first seen."""

    difference: FileDifference
    one: int
    two: int


def unknown_places(comparison: Comparison, left_out: Mapping[int, str]) -> list[UnknownPlace]:
    """Return each place once, with the finding about it. `left_out`: why trials with a faster clock do not count."""
    return [
        UnknownPlace(
            place=place.difference.name,
            pattern=place.difference.path,
            trials=[place.one, place.two],
            values=[value[:MOST_OF_A_VALUE] for value in place.difference.values],
            seen=_what_was_seen(place.difference, left_out),
        )
        for place in _all(comparison)
    ]


def reason_and_advice(
    comparison: Comparison, trials: Sequence[AlignedTrial], left_out: Mapping[int, str]
) -> tuple[str, str] | None:
    """Return why such differences give no answer, and what to do; None if there are none."""
    places = _all(comparison)
    if not places:
        return None
    first = places[0]
    sentence = _sentence(first, len(places) - 1, _what_was_seen(first.difference, left_out))
    was_tried = bool(left_out) or any(trial.trial.file.clock_rate != 1 for trial in trials)
    clock = "" if was_tried or not any(place.difference.is_open for place in places) else f" {_CLOCK}"
    return _that_agrees(trials) + sentence, _advice(places) + clock


def _that_agrees(trials: Sequence[AlignedTrial]) -> str:
    """Return the beginning of the reason: the steps agree, and so does the model at the end of whole trials."""
    steps = min((trial.steps for trial in trials), default=0)
    if steps == 0:
        return ""
    agree = "has" if steps == 1 else "have"
    if not all(trial.whole for trial in trials):
        return f"{words.beginning(steps, 'step')} {agree} the same bits, but "
    return f"{'the one step' if steps == 1 else f'all {steps:,} steps'} {agree} the same bits, but "


def _all(comparison: Comparison) -> list[_OpenPlace]:
    places: dict[str, _OpenPlace] = {}
    for (first, second), pair in comparison.known_pairs():
        for difference in pair.left:
            if difference.effect == "unknown":
                places.setdefault(difference.name, _OpenPlace(difference, first, second))
    return list(places.values())


def _what_was_seen(difference: FileDifference, left_out: Mapping[int, str]) -> str:
    """Say what is known about a difference, apart from its values."""
    if difference.reason or not (difference.is_open and left_out):
        return difference.reason or ("" if any(difference.values) else difference.detail)
    return f"with a faster clock, {words.trials(sorted(left_out))} {next(iter(left_out.values()))}"


def _sentence(first: _OpenPlace, more: int, what: str) -> str:
    difference = first.difference
    a, b = difference.values
    values = f"{a or 'nothing'} in trial {first.one}, {b or 'nothing'} in trial {first.two}" if a or b else ""
    rest = [words.count(more, "more place")] if more else []
    notes = "; ".join([*([what] if values and what else []), *rest])
    return f"{difference.name} differs between trials: {values or difference.detail}{f' ({notes})' if notes else ''}."


def _advice(places: Sequence[_OpenPlace]) -> str:
    """Return the options that decide about all places."""
    patterns = list(dict.fromkeys(shlex.quote(place.difference.path) for place in places))
    path = places[0].difference.path
    if is_place(path):
        counts = f"name it in the program: samebits_probe.observe('weights/{path.partition(' ')[2]}', ...)"
    else:
        counts = f"name it: --artifact {patterns[0]}"
    if len(patterns) == 1:
        return f"If it counts, {counts}. If not, use --ignore {patterns[0]}."
    ignores = " ".join(f"--ignore {pattern}" for pattern in patterns)
    return f"If none of them counts, use {ignores}. If one counts, use --artifact instead of its --ignore."
