"""Aligns the layers of two records, so that a layer with a new name, or a new layer, hides no other difference.

Layers whose names and shapes agree belong together. The others are aligned by their order and their shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np

from samebits import words
from samebits.store.trace import Point, ProcessTrace, TrialTrace

_MOST_SHOWN = 8
_OF_DIGESTS = {("gradient", ""), ("update", "")}  # points of digests over all values of a step and their names
_THINNED = "gradients and weights are not compared at steps of which a record keeps only a digest over all of them"


class LayerAlignment(NamedTuple):
    """How the layers of two models belong together.

    `names`: a weight of the second model -> its name in the first one; a free name if it has no counterpart. `lone`:
    the weights without a counterpart, under these names. `notes`: sentences about the layers.
    """

    names: dict[str, str] = {}
    lone: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def aligned_layers(first: Iterable[Point], second: Iterable[Point]) -> LayerAlignment:
    """Align the layers that two models begin with."""
    a, b = _layers(first), _layers(second)
    if not a or not b:
        return LayerAlignment()
    same = {name for name in a.keys() & b.keys() if a[name] == b[name]}
    keys = [
        [(name if name in same else "", tuple(point[2:] for point in layer)) for name, layer in side.items()]
        for side in (a, b)
    ]
    blocks = SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_matching_blocks()
    order_a, order_b = list(a), list(b)
    pairs = {order_b[block.b + n]: order_a[block.a + n] for block in blocks for n in range(block.size)}
    pairs |= {name: name for name in same}
    taken = set(pairs.values())
    changed = {name for name in a if name in b and name not in pairs and name not in taken}  # it has new shapes
    only_a = [name for name in a if name not in taken | changed]
    only_b = [name for name in b if name not in pairs.keys() | changed]
    names = {theirs.name: ours.name for new, old in pairs.items() for ours, theirs in zip(a[old], b[new], strict=True)}
    renamed = [f"{old} = {new}" for new, old in pairs.items() if a[old] != b[new]]
    in_use = set(names.values())
    free = {point.name: point.name + " (new)" * (point.name in in_use) for name in only_b for point in b[name]}
    lone = frozenset([point.name for name in only_a for point in a[name]] + list(free.values()))
    named = {
        "layers with new names are aligned by order and shape": renamed,
        "only the first record has these layers": only_a,
        "only the second record has these layers": only_b,
    }
    notes = (f"{what}: {words.first_few(which, _MOST_SHOWN)}" for what, which in named.items() if which)
    return LayerAlignment(names | free, lone, tuple(notes))


def _layers(points: Iterable[Point]) -> dict[str, list[Point]]:
    """Return the layers with their first weights and buffers, in their order."""
    layers: dict[str, list[Point]] = {}
    for point in dict.fromkeys(points):  # each rank has all of them
        if point.kind == "start":
            layers.setdefault(re.sub(r"[./][^./]*$", "", point.name), []).append(point)
    return layers


def aligned_trials(
    first: Sequence[TrialTrace], second: Sequence[TrialTrace]
) -> tuple[list[TrialTrace], tuple[str, ...], list[TrialTrace]]:
    """Return (the trials of both records with the names of the first, notes, these trials without lone layers).

    The last list is empty if there is no lone layer. All trials leave out first values of weights that samebits set.
    """
    reference = _points(first[0]) if first else []
    alignments = [aligned_layers(reference, _points(trial)) for trial in second]
    names, lone, notes = alignments[0] if alignments else LayerAlignment()
    are_set = _weights_set(first) | {names.get(name, name) for name in _weights_set(second)}
    digests, every_lone = _OF_DIGESTS if notes else set(), lone.union(map(_joined, lone), map(_settings, lone))

    def counts(point: Point) -> bool:
        return point.name not in are_set if point.kind == "start" else point[:2] not in digests

    def is_shared(point: Point) -> bool:
        return not any(_weight(name, every_lone) for name in (point.name, *_parts(point)))

    renamed = [_renamed(trial, own.names) for trial, own in zip(second, alignments, strict=True)] if notes else second
    trials = [_with_points(trial, counts) for trial in (*first, *renamed)]
    shared = [_with_points(trial, is_shared) for trial in trials]
    is_thin = any(point[:2] in digests for trial in trials for point in _points(trial))
    return trials, (*notes, _THINNED) if is_thin else notes, shared if lone else []


def _points(trial: TrialTrace) -> list[Point]:
    return [point for process in trial.processes for point in process.points]


def _parts(point: Point) -> list[str]:
    """Return the parts of a name; a value of an optimizer has a weight among them: `Adam#2/conv.weight/exp_avg`."""
    return point.name.split("/")


def _weight(part: str, weights: Container[str]) -> str:
    """Return the weight with which a part of a name begins; "" if there is none. See `_joined`."""
    ends = [len(part), *(match.end() for match in re.finditer("_", part))]
    return max((part[:end] for end in ends if part[:end] in weights), key=len, default="")


def _joined(weight: str) -> str:
    """Return how Keras begins the names of an optimizer's values: `net/conv/kernel` has `net_conv_kernel_momentum`."""
    return weight.replace("/", "_") + "_"


def _settings(weight: str) -> str:
    """Return the name of the numbers beside a layer's weights."""
    return re.sub(r"[./][^./ ]*( \(new\))?$", r".settings\1", weight)


def _weights_set(trials: Sequence[TrialTrace]) -> set[str]:
    """Return the weights that samebits set in each of these trials before its first step."""
    each = ([event for process in trial.processes for event in process.events_named("fed")] for trial in trials)
    names = [{str(event.get("name")) for event in events} for events in each]
    return set.intersection(*names) if names else set()


def _renamed(trial: TrialTrace, names: Mapping[str, str]) -> TrialTrace:
    """Return the trial with different names of weights, also in the optimizer's state."""
    every = {form(new): form(old) for form in (_settings, _joined, str) for new, old in names.items()}

    def renamed(part: str) -> str:
        weight = _weight(part, every)
        return every.get(weight, "") + part.removeprefix(weight)

    def new(point: Point) -> Point:
        return point._replace(name=every.get(point.name) or "/".join(map(renamed, _parts(point))))

    processes = [replace(process, points=list(map(new, process.points))) for process in trial.processes]
    return replace(trial, processes=processes)


def _with_points(trial: TrialTrace, counts: Callable[[Point], bool]) -> TrialTrace:
    """Return the trial with the rows of those points that count."""

    def cut(process: ProcessTrace) -> ProcessTrace:
        numbers = [number for number, point in enumerate(process.points) if not counts(point)]
        return replace(process, rows=process.rows[~np.isin(process.rows["point"], numbers)]) if numbers else process

    return replace(trial, processes=[cut(process) for process in trial.processes])
