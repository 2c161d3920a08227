"""The heat map of a page: at which layers and steps groups differ. Layers are rows, in bands of what a step does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from samebits import words
from samebits.comparison.traces.difference_map import DifferenceMap, StepColumns, difference_map
from samebits.comparison.traces.processes import AlignedTrial
from samebits.model import Divergence, Result
from samebits.reports import result_words
from samebits.reports.figures import Tick, round_up
from samebits.reports.tree import PAGE, Block, Format
from samebits.store.record import Record

COLUMNS = 24  # columns of steps
MOST_ROWS = 16  # rows of a band
MOST_RUNS = 6  # ranges of steps that a row names for people who do not see the colours
MOST_NAMES = 8
SHADES = 4
TICKS = 4
CHARACTER = 4  # percent of the width that a character of a tick's label takes on a narrow page
ABOUT = {"start": "weights before the first step", "end": "what the program holds after the last step"}
WITH_LEAVES = ("start", "gradient", "update", "end")  # their names end with the name of one of the layer's weights
DIGEST = "(all layers together)"
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class HeatCell:
    """A run of equal cells that begins at a column. `shade`: their class; `said`: the run in words."""

    first: int
    number: int
    shade: str
    said: str


@dataclass(frozen=True)
class HeatRow:
    """A layer. `about`: what the row holds; `said`: the row in words."""

    name: str
    about: str
    cells: tuple[HeatCell, ...]
    said: str


@dataclass(frozen=True)
class HeatBand:
    """The rows of one kind."""

    kind: str
    about: str
    rows: tuple[HeatRow, ...]


@dataclass(frozen=True)
class HeatMap(Block):
    """Bands of rows over the same columns. `key`: (class, words) of each shade."""

    caption: str
    columns: int
    bands: tuple[HeatBand, ...]
    ticks: tuple[Tick, ...]
    key: tuple[tuple[str, str], ...]
    on: frozenset[Format] = field(default=PAGE, kw_only=True)


class Shades(Protocol):
    """Says what the numbers of a map stand for."""

    def shade(self, differing: int) -> str:
        """Return the class of a cell that was compared."""

    def said(self, compared: int, differing: int) -> str:
        """Return the cell in words."""

    def key(self) -> Iterator[tuple[str, str]]:
        """Return (class, words) of each shade."""


def heat_map(result: Result, grid: DifferenceMap | None) -> HeatMap | None:
    """Return the map of a result that diverged; None if nothing that a step observes differs."""
    if grid is None:
        return None
    return drawn(grid, GroupShades(int(grid.compared.max())), _caption(result, grid))


def drawn(grid: DifferenceMap, shades: Shades, caption: str) -> HeatMap:
    """Return the map in the shades of its cells."""
    columns = grid.columns
    return HeatMap(caption, columns.number, tuple(_bands(grid, shades)), tuple(_ticks(columns)), tuple(shades.key()))


def differences(result: Result, record: Record | None) -> DifferenceMap | None:
    """Return all that differs in the process that diverges; None if none of its observations differ."""
    if record is None or result.divergence is None:
        return None
    grid = _found(result, result.divergence, record)
    return grid if grid is not None and grid.differing.any() else None


def _found(result: Result, divergence: Divergence, record: Record) -> DifferenceMap | None:
    aligned = {trial.id: AlignedTrial(trial, record.file.command) for trial in record.trials}
    trials = [_longest(group, aligned) for group in result.groups]
    home = result.groups.index(result_words.reference_group(result))
    reference = trials.pop(home)
    member = next((candidate for candidate in reference.members if candidate.process == divergence.process), None)
    if member is None:
        return None
    since = divergence.step if divergence.kind != "end" else member.trace.steps
    return difference_map((reference, member), trials, since, COLUMNS)


def _longest(group: Sequence[int], aligned: dict[int, AlignedTrial]) -> AlignedTrial:
    """Return the trial of a group that went furthest. It stands for the whole group."""
    return max((aligned[number] for number in group), key=lambda trial: (trial.whole, trial.steps))


# -- in words -------------------------------------------------------------------------------------------------------


def _caption(result: Result, grid: DifferenceMap) -> str:
    columns, letter = grid.columns, result_words.letter(result.groups.index(result_words.reference_group(result)))
    process = result_words.process_words(result.divergence) if result.divergence is not None else []
    parts = [
        "Steps run from left to right. The values of a step run from top to bottom. Layers are in the order in which "
        f"the program first used or listed them. A coloured cell differs from group {letter}. A record holds "
        "fingerprints, so a colour says how many groups differ, not by how much."
    ]
    if result.record and not (result.location and result.location.distances):
        parts += [f"To measure by how much, run samebits locate --heat {result_words.record_name(result)}."]
    parts += [f"The map shows {', '.join(process)}."] if process else []
    parts += [f"Steps up to {columns.first - 1:,} are not shown: nothing differs there."] if columns.first else []
    if columns.every > 1:
        parts += [f"A column stands for {columns.every:,} steps. Step {columns.since:,} has a column of its own."]
    return " ".join(parts)


class GroupShades:
    """Colours by the number of groups that differ. `most`: the largest number of groups compared in any cell."""

    def __init__(self, most: int) -> None:
        self._most = max(most, 1)

    def shade(self, differing: int) -> str:
        """Return the class of a cell. If only one group can differ, that cell has the strongest shade."""
        return f"h{-(-differing * SHADES // self._most)}" if differing else "same"

    def said(self, compared: int, differing: int) -> str:
        """Return the cell in words."""
        if not differing:
            return "the same"
        return f"{differing} of {words.count(compared, 'group')} {words.agree(differing, 'differs', 'differ')}"

    def key(self) -> Iterator[tuple[str, str]]:
        """Yield (class, words) of each shade."""
        yield "same", "the same bits"
        for shade, numbers in itertools.groupby(range(1, self._most + 1), key=self.shade):
            each = list(numbers)
            number = words.count(each[-1], "group")
            number = number if len(each) == 1 else f"{each[0]} to {number}"
            yield shade, f"{number} {words.agree(each[-1], 'differs', 'differ')}"
        yield "unseen", "not observed or not compared"


def _span(columns: StepColumns, first: int, last: int) -> str:
    """Return the steps of columns, the last one included: before step 0; step 3; steps 3 to 17, and at the end."""
    parts = ["before step 0"] if first == 0 else []
    if first < columns.number - 1 and last > 0:
        begin, end = columns.steps(max(first, 1))[0], columns.steps(min(last, columns.number - 2))[-1]
        parts += [f"step {begin:,}" if begin == end else f"steps {begin:,} to {end:,}"]
    parts += ["at the end"] if last == columns.number - 1 else []
    return words.listed(parts)


# -- bands, rows and cells ------------------------------------------------------------------------------------------


def _bands(grid: DifferenceMap, shades: Shades) -> Iterator[HeatBand]:
    for kind in result_words.JUDGED_KINDS:
        places = [number for number, point in enumerate(grid.points) if point.kind == kind]
        places = [number for number in places if grid.compared[number].any()]
        if places:
            about = ABOUT.get(kind, result_words.KIND_WORDS[kind])
            yield HeatBand(kind, about, tuple(_rows(grid, kind, places, shades)))


def _rows(grid: DifferenceMap, kind: str, places: Sequence[int], shades: Shades) -> Iterator[HeatRow]:
    if not grid.differing[places].any():
        yield _row(grid, kind, f"{words.count(len(places), 'tensor')}, all the same", places, shades)
        return
    layers: dict[str, list[int]] = {}
    for number, name in zip(places, layer_names([grid.points[number].name for number in places], kind), strict=True):
        layers.setdefault(name, []).append(number)
    for name, members in layers.items():
        yield _row(grid, kind, name, members, shades)


def _row(grid: DifferenceMap, kind: str, name: str, places: Sequence[int], shades: Shades) -> HeatRow:
    names = words.first_few([grid.points[number].name or DIGEST for number in places], MOST_NAMES)
    compared, differing = (table[list(places)].max(axis=0) for table in (grid.compared, grid.differing))
    cells = [_cell(run, grid.columns, shades) for run in _runs(compared, differing)]
    texts = [cell.said for cell in cells if cell.shade != "unseen"]
    more = [f"and {words.count(len(texts) - MOST_RUNS, 'more change')}"] if len(texts) > MOST_RUNS else []
    text = "; ".join([*texts[:MOST_RUNS], *more])
    return HeatRow(name, names, tuple(cell for cell in cells if cell.shade != "unseen"), f"{kind}, {name}: {text}")


Run = tuple[int, int, int, int]  # first column, last column, number of groups compared, number of groups that differ


def _runs(compared: Counts, differing: Counts) -> Iterator[Run]:
    """Joins neighbouring cells that are equal."""
    at = 0
    for (total, unequal), cells in itertools.groupby(zip(compared.tolist(), differing.tolist(), strict=True)):
        length = len(list(cells))
        yield at, at + length - 1, total, unequal
        at += length


def _cell(run: Run, columns: StepColumns, shades: Shades) -> HeatCell:
    first, last, compared, differing = run
    shade = shades.shade(differing) if compared else "unseen"
    text = f"{_span(columns, first, last)}: {shades.said(compared, differing)}"
    return HeatCell(first, last - first + 1, shade, text)


def _ticks(columns: StepColumns) -> list[Tick]:
    """Return the step at which trials diverge, and round step numbers that have room beside it.

    Each stands in the middle of its column.
    """
    every = round_up(max(columns.last - columns.first, 1) / TICKS)
    each = np.array([columns.since, *range(-(-columns.first // every) * every, columns.last, every)], np.int64)
    places = 100 * (columns.of(each) + 0.5) / columns.number
    ticks = [Tick(float(place), f"{step:,}") for place, step in zip(places, each, strict=True)]
    kept = [ticks[0], *(tick for tick in ticks[1:] if _has_room(tick, ticks[0]))]
    return sorted(kept, key=lambda tick: tick.place)


def _has_room(tick: Tick, beside: Tick) -> bool:
    wide = (len(tick.label) + len(beside.label)) / 2 + 1
    return abs(tick.place - beside.place) > CHARACTER * wide


# -- layers ---------------------------------------------------------------------------------------------------------


def layer_names(names: Sequence[str], kind: str) -> list[str]:
    """Return the row of each name: its layer.

    If there are too many layers, the module around them; if there are too many modules, a range of them.
    """
    layers = [_layer(name) if kind in WITH_LEAVES else name or DIGEST for name in names]
    depth = max(len(_parts(layer)) for layer in layers)
    while depth > 1 and len(set(layers)) > MOST_ROWS:
        depth -= 1
        layers = ["".join(_parts(layer)[:depth]).strip("./") for layer in layers]
    return _stretches(layers)


def _layer(name: str) -> str:
    """Return the layer of a tensor, such as conv1 for conv1.weight and block/dense for block/dense/kernel."""
    if not name:
        return DIGEST
    whole = re.sub(r"(\.[^./]+)/[^./]+$", r"\1", name)
    return "".join(_parts(whole)[:-1]) or name


def _parts(name: str) -> list[str]:
    """Return the parts of a name, each but the first with the sign before it."""
    return re.findall(r"^[^./]+|[./][^./]*", name)


def _stretches(layers: Sequence[str]) -> list[str]:
    """Puts layers without a module around them into rows, several layers in each."""
    each = list(dict.fromkeys(layers))
    size = -(-len(each) // MOST_ROWS)
    if size < 2:
        return list(layers)
    names = {}
    for at in range(0, len(each), size):
        part = each[at : at + size]
        names.update(dict.fromkeys(part, f"{part[0]} ... {part[-1]}" if len(part) > 1 else part[0]))
    return [names[layer] for layer in layers]
