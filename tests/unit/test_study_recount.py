"""A second program counts the cells of a generated and of two real sets: NumPy and SciPy alone, no code of the study.

It reads the files that the study writes, and follows the page docs/explanation/counting-cells.md. Touching cells are
split by a watershed of its own.
"""

import heapq
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, optimize

from samebits_study import collection
from samebits_study.catalog import STUDIES
from samebits_study.cells import arrays

STAINED, FLUORESCENT = "SAMEBITS_STAINED_CELLS", "SAMEBITS_FLUORESCENT_CELLS"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
CORNERS = np.ones((3, 3), bool)
WAIST = 2.0


def generated(folder):
    settings = arrays.CellSettings(96, 2, 0, seed=7, test_fields=40, hard=1, whole_cells=1)
    arrays.prepare(None, settings, folder)


def stained(folder):
    arrays.prepare(there(STAINED, "dsb2018-stained"), arrays.CellSettings(128, 4, 0, seed=7), folder)


def fluorescent(folder):
    settings = arrays.CellSettings(128, 8, 0, seed=7, whole_cells=1, nuclei=30)
    arrays.prepare(there(FLUORESCENT, "dsb2018-fluorescence"), settings, folder)


def there(variable, name):
    source = Path(os.environ.get(variable, BESIDE / name))
    if not source.is_dir():
        pytest.skip(f"there is no {source}; {variable} names the folder of the set")
    return source


@pytest.fixture(scope="module", params=[generated, stained, fluorescent])
def folder(request, tmp_path_factory):
    place = tmp_path_factory.mktemp(request.param.__name__)
    request.param(place)
    return place


def predictions(folder):
    """The masks of a local level, with one field without a cell and one full of cells."""
    with np.load(folder / "data.npz") as file:
        fields = file["test_images"].astype(np.float64)
    smooth, ground = (np.stack([ndimage.gaussian_filter(one, sigma) for one in fields]) for sigma in (1, 12))
    masks = np.where(smooth < ground - 8, 255, 0).astype(np.uint8)
    masks[0], masks[1] = 0, 255
    return masks


# -- the second program -----------------------------------------------------------------------------------------------


def recounted(folder, masks, *, watershed):
    """What the study's judge gives: counts, pixels and cells, from the files alone."""
    with np.load(folder / "truth.npz") as file:
        truth = {name: file[name] for name in file.files}
    smallest = truth.get("smallest", np.ceil(250 * masks[0].size / 400**2))
    fields = [
        of_field(truth["labels"][n], cells_of(mask, int(smallest), watershed=watershed), truth["frames"][n])
        for n, mask in enumerate(masks)
    ]
    true, counted, found, both, pixels = np.sum([field[:5] for field in fields], axis=0).tolist()
    dices = [2 * field[3] / field[4] for field in fields if field[4]]
    return {
        "true_count": true,
        "counted": counted,
        "error_rate": 100 * abs(true - counted) / true,
        "dice": np.mean(dices),
        "dice_of_all_pixels": 2 * both / pixels,
        "precision": found / counted,
        "recall": found / true,
        "f1": 2 * found / (true + counted),
        "missed": [f"{truth['names'][n]}, cell {cell}" for n, field in enumerate(fields) for cell in field[5]],
    }


def of_field(true, predicted, frame):
    """True cells, counted cells, found cells, pixels of both, pixels of each, and the numbers of the missed cells."""
    in_truth, in_prediction = in_frame(true, frame), in_frame(predicted, frame)
    share = np.zeros((len(in_truth), len(in_prediction)))
    for row, cell in enumerate(in_truth):
        for column, other in enumerate(in_prediction):
            a, b = true == cell, predicted == other
            share[row, column] = (a & b).sum() / (a | b).sum()
    pairs = zip(*optimize.linear_sum_assignment(share >= 0.5, maximize=True), strict=True)
    found = {in_truth[row] for row, column in pairs if share[row, column] >= 0.5}
    both, each = ((true > 0) & (predicted > 0)).sum(), (true > 0).sum() + (predicted > 0).sum()
    return len(in_truth), len(in_prediction), len(found), both, each, [cell for cell in in_truth if cell not in found]


def in_frame(labels, frame):
    """The cells with a pixel in the frame, and none left of it down to its foot, or below it up to its right end."""
    x0, y0, x1, y1 = map(int, frame)
    counted = set(labels[y0:y1, x0:x1].ravel().tolist())
    beyond = set(labels[:, :x0].ravel().tolist()) | set(labels[y1:, :x1].ravel().tolist())
    return sorted(counted - beyond - {0})


def cells_of(mask, smallest, *, watershed):
    """The blobs of a mask that are not small, numbered; split by a watershed if asked."""
    blobs, number = ndimage.label(mask > 127, CORNERS)
    sizes = np.bincount(blobs.ravel(), minlength=number + 1)
    kept = np.where(sizes[blobs] >= smallest, blobs, 0)
    if not watershed:
        return kept
    parts, last = np.zeros_like(kept), 0
    for blob, place in enumerate(ndimage.find_objects(kept), 1):
        if place is not None:
            split = flooded(kept[place] == blob)
            parts[place] += np.where(split > 0, split + last, 0)
            last += split.max()
    return parts


def flooded(blob):
    """One blob, split: the tops of its distance map that stand out by the waist, each flooded from the top down."""
    height = np.pad(ndimage.distance_transform_edt(np.pad(blob, 1))[1:-1, 1:-1], 1)
    inside = height > 0
    rest = np.where(inside, height - WAIST, -np.inf)
    while True:  # the lowered map grows under the map itself, until nothing changes
        grown = np.where(inside, np.minimum(ndimage.maximum_filter(rest, footprint=CORNERS), height), -np.inf)
        if np.array_equal(grown, rest):
            break
        rest = grown
    parts = tops_of(rest, inside)
    queue = [(-height[place], 0, place) for place in zip(*np.nonzero(parts), strict=True)]
    heapq.heapify(queue)
    age = 0
    while queue:
        _, _, (row, column) = heapq.heappop(queue)
        for near in np.ndindex(3, 3):
            place = (row + near[0] - 1, column + near[1] - 1)
            if inside[place] and not parts[place]:
                age += 1
                parts[place] = parts[row, column]
                heapq.heappush(queue, (-height[place], age, place))
    return parts[1:-1, 1:-1]


def tops_of(rest, inside):
    """The plateaus that no higher pixel touches, numbered."""
    tops = np.zeros(rest.shape, int)
    highest, number = ndimage.label((ndimage.maximum_filter(rest, footprint=CORNERS) == rest) & inside, CORNERS)
    for one in range(1, number + 1):
        level, around = rest[highest == one][0], ndimage.binary_dilation(highest == one, CORNERS)
        if not ((rest == level) & around & (highest != one)).any():  # otherwise a part of a plateau that goes on
            tops[highest == one] = tops.max() + 1
    return tops


# -- both programs ----------------------------------------------------------------------------------------------------


def judged(folder, masks, *, watershed):
    return collection.judge_of(STUDIES["unet"], folder, watershed=watershed)(masks).model_dump()


@pytest.mark.parametrize("watershed", [False, True])
def test_a_set_is_counted_as_by_a_second_program(folder, watershed):
    masks = predictions(folder)
    theirs, ours = (one(folder, masks, watershed=watershed) for one in (recounted, judged))
    assert theirs["true_count"] >= 10
    assert 0 < theirs["f1"] < 1
    assert theirs.pop("missed") == ours["missed"]
    assert theirs == pytest.approx({name: ours[name] for name in theirs})
