"""Figures 1 and 4 of the paper: the counting frame on a field, and the results of two trials that differ on one.

They need the masks of the trials, so they need the folder of the study, not only its document.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from samebits import words
from samebits.errors import DataError, SamebitsError
from samebits_study import catalog, collection, data
from samebits_study.catalog import SETUPS
from samebits_study.cells import arrays
from samebits_study.reports import paper, phrases
from samebits_study.reports.figures import Figure, Picture, Pictures
from samebits_study.results import SetupResult, StudyResult
from samebits_study.stereology import agreement, count, disector_drawings
from samebits_study.trainings import Work

Image = NDArray[np.uint8]
Labels = NDArray[Any]
TITLE_1 = "The counting frame on a test field."
TITLE_4 = "One test field and two trials of one setup that differ."
FRAME = "Green: inclusion lines. Red: exclusion lines."
BOTH, FIRST, SECOND = (110, 110, 110), (74, 163, 255), (255, 140, 66)  # colours of cells, by the trials that count them


@dataclass(frozen=True, eq=False)
class TestField:
    """A test field: its image, the numbered true cells, the frame; and the truth for all fields."""

    number: int
    name: str
    image: Image
    truth: Labels
    frame: count.CountingFrame
    all: arrays.Truth

    @property
    def marks(self) -> tuple[tuple[float, float], ...]:
        """The middle (x, y) of each true cell that is counted."""
        numbers = count.counted(self.truth, self.frame)
        middles = ndimage.center_of_mass(self.truth > 0, self.truth, numbers)
        return tuple((float(x), float(y)) for y, x in middles)

    def framed(self, image: Image) -> Image:
        """Return an image of the field's size, with the frame drawn into it."""
        painted: Image = disector_drawings.paint(image, self.frame)
        return painted


@dataclass(frozen=True, eq=False)
class CellCount:
    """The result of a trial for a field: its mask, its cells, and the cells that are counted."""

    trial: int
    mask: Image
    cells: Labels
    counted: Labels

    @property
    def number(self) -> int:
        """How many cells are counted."""
        return len(np.unique(self.counted[self.counted > 0]))


def figures(result: StudyResult, folder: Path) -> list[Figure]:
    """Return Figures 1 and 4. If a part of the folder is missing or damaged, a sentence stands in their place."""
    try:
        fields = read_fields(folder / "data")
        return [figure_1(fields), figure_4(result, folder, fields)]
    except (SamebitsError, OSError) as why:
        said = why.message if isinstance(why, SamebitsError) else str(why)
        whys = [f"Figure {number} cannot be made: {said}" for number in ("1", "4")]
        return [Figure("1", TITLE_1, why=whys[0]), Figure("4", TITLE_4, why=whys[1])]


def read_fields(folder: Path) -> list[TestField]:
    """Return the test fields from the data of a study. Raises DataError."""
    truth = arrays.read_truth(folder / arrays.TRUTH)
    path = folder / data.FILE
    try:
        with path.open("rb") as opened, np.load(opened) as file:  # np.load leaves a file open that is not an archive
            images = file["test_images"]
    except arrays.UNREADABLE as why:
        raise DataError(f"{path} cannot be read: {why}", "Run the study again in a different folder.") from None
    return [_field(truth, number, image) for number, image in enumerate(images)]


def _field(truth: arrays.Truth, number: int, image: Image) -> TestField:
    """Return the field of the judge."""
    labels = count.cells_of(truth.masks[number]) if truth.labels is None else truth.labels[number]
    frame = count.CountingFrame(*map(int, truth.frames[number]))
    return TestField(number, truth.names[number], image, labels, frame, truth)


def figure_1(fields: list[TestField]) -> Figure:
    """Return the field with the most cells that are counted."""
    field = max(fields, key=lambda field: len(field.marks))
    marks = field.marks
    shows = Pictures([
        Picture(field.name, field.image),
        Picture(f"with its frame; {words.count(len(marks), 'cell')} counted", field.framed(field.image), marks),
    ])  # fmt: skip
    return Figure("1", TITLE_1, f"{FRAME} Crosses: true cells that the unbiased counting rule counts.", shows)


def figure_4(result: StudyResult, folder: Path, fields: list[TestField]) -> Figure:
    """Return the field on which two trials differ most.

    It comes from the first setup in which two trials count different numbers of cells in a field; if there is none,
    from the first setup whose trials differ in a mask.
    """
    setups = sorted(phrases.done(result), key=lambda setup: paper.ANSWERS.get(setup.id) != "tf2.1")  # as the paper did
    split = result.watershed is not False
    pairs = []
    for setup in setups:
        found = most_different(_predictions(result, folder, setup), fields, watershed=split)
        if found is not None:
            pairs.append((setup, found))
            if _difference(found)[0]:
                break
    if pairs:
        setup, found = max(pairs, key=lambda pair: _difference(pair[1])[0])
        return _two_trials(setup, ", split where cells touch" if split else "", *found)
    ran = any(len(setup.models) > 1 for setup in setups)
    none = "the trials of each setup gave the same masks, pixel by pixel" if ran else "no setup has two trials"
    return Figure("4", TITLE_4, why=f"Figure 4 cannot be made: {none}.")


def _predictions(result: StudyResult, folder: Path, setup: SetupResult) -> dict[int, NDArray[Any]]:
    """Return trial -> predictions (n, H, W), for the first trial of each different outcome.

    The result is empty if there is only one outcome.
    """
    first: dict[str, int] = {}
    for model in setup.models:
        first.setdefault(model.predictions, model.trial)
    if len(first) < 2 or setup.id not in SETUPS:
        return {}
    study = catalog.study_named(result.study)
    scale = catalog.scale_named(study, result.scale)
    work = Work(study=study, scale_name=result.scale, scale=scale, trials=result.trials, folder=folder,
                data=folder / "data" / data.FILE)  # fmt: skip
    places = dict(collection.places_of_models(work, SETUPS[setup.id]))
    return {trial: collection.read_predictions(places[trial]) for trial in first.values() if trial in places}


def most_different(
    predictions: dict[int, NDArray[Any]], fields: list[TestField], *, watershed: bool
) -> tuple[TestField, CellCount, CellCount] | None:
    """Return the field and the two trials that differ most; None if no mask differs in a pixel.

    The order is: first whether the numbers of counted cells differ, then true cells that only one of them counts,
    then all cells that only one of them counts, then pixels of the masks. `watershed`: as for the judge.
    """
    if len(predictions) < 2:
        return None
    pairs = (
        (field, a, b)
        for field in fields
        for a, b in combinations([_counted(n, predictions[n], field, watershed=watershed) for n in predictions], 2)
    )
    found = max(pairs, key=_difference)
    return found if any(_difference(found)) else None


def _counted(trial: int, predictions: NDArray[Any], field: TestField, *, watershed: bool) -> CellCount:
    prediction = predictions[field.number]
    cells = count.post_process(prediction, smallest=field.all.smallest, watershed=watershed)
    mask = prediction if prediction.dtype == np.uint8 else np.rint(prediction.clip(0, 1) * 255).astype(np.uint8)
    return CellCount(trial, mask, cells, count.only(cells, count.counted(cells, field.frame)))


def _difference(pair: tuple[TestField, CellCount, CellCount]) -> tuple[bool, int, int, int]:
    """Return whether the counts differ, and how many true cells, cells, and pixels above the threshold differ."""
    _, a, b = pair
    above = count.THRESHOLD
    pixels = int(((a.mask > above) != (b.mask > above)).sum())
    if not pixels:
        return False, 0, 0, 0
    true, alone = sum(map(len, true_cells_of_one_only(*pair))), sum(map(len, by_one_only(a, b)))
    return a.number != b.number, true, alone, pixels


def true_cells_of_one_only(field: TestField, a: CellCount, b: CellCount) -> tuple[set[int], set[int]]:
    """Return the numbers of the true cells that only one of the two trials counts."""
    truth = count.only(field.truth, count.counted(field.truth, field.frame))
    found, others = ({true for true, _ in agreement.same_cells(truth, one.counted)} for one in (a, b))
    return found - others, others - found


def by_one_only(a: CellCount, b: CellCount) -> tuple[list[int], list[int]]:
    """Return the numbers of the cells that only one trial counts. The other trial has no partner for them."""
    pairs = agreement.same_cells(a.counted, b.counted)
    first = np.setdiff1d(a.counted, [0, *(one for one, _ in pairs)])
    return first.tolist(), np.setdiff1d(b.counted, [0, *(other for _, other in pairs)]).tolist()


def _two_trials(setup: SetupResult, after: str, field: TestField, a: CellCount, b: CellCount) -> Figure:
    one, other = by_one_only(a, b)
    true = [len(numbers) for numbers in true_cells_of_one_only(field, a, b)]
    shows = Pictures([
        Picture(f"(a) {field.name}", field.framed(field.image), field.marks),
        Picture(f"(b) trial {a.trial}: mask", field.framed(a.mask)),
        Picture(f"(c) trial {a.trial}: counted cells", field.framed(_white(a.counted))),
        Picture("(f) counted by one only", field.framed(_apart(a, b, one, other))),
        Picture(f"(d) trial {b.trial}: mask", field.framed(b.mask)),
        Picture(f"(e) trial {b.trial}: counted cells", field.framed(_white(b.counted))),
    ])  # fmt: skip
    caption = (
        f"{setup.id}, trials {a.trial} and {b.trial}. They count {a.number} and {b.number} cells. (a) Crosses: counted "
        f"true cells. (b), (d) Masks as predicted. (c), (e) After the threshold, without small blobs{after}: "
        f"counted cells, a dark line where two touch. (f) Cells counted by one trial only, those of trial {b.trial} "
        "as an edge (two cells are the same if their intersection is at least half of their union): "
        f"{len(one)} by trial {a.trial} (blue), {len(other)} by trial {b.trial} (orange). True cells counted by one "
        f"trial only: {true[0]} by trial {a.trial}, {true[1]} by trial {b.trial}. {FRAME}"
    )
    return Figure("4", TITLE_4, caption, shows)


def _white(labels: Labels) -> Image:
    """Return an image: cells are white. Where two of them touch, the edge of one is dark."""
    return np.where((labels > 0) & (ndimage.maximum_filter(labels, 3) == labels), 255, 0).astype(np.uint8)


def _apart(a: CellCount, b: CellCount, one: list[int], other: list[int]) -> Image:
    """Return an image: cells of both trials in grey, those of the first trial only in its colour.

    Those of the second trial only have an edge in its colour, so that they are visible on those of the first.
    """
    image = np.zeros((*a.counted.shape, 3), np.uint8)
    image[(a.counted > 0) | (b.counted > 0)] = BOTH
    image[np.isin(a.counted, one)] = FIRST
    cells = np.where(np.isin(b.counted, other), b.counted, 0)
    inner = (ndimage.minimum_filter(cells, 3) == cells) & (ndimage.maximum_filter(cells, 3) == cells)
    image[(cells > 0) & ~inner] = SECOND
    return image
