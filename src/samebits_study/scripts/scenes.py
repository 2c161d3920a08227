"""Digits in a scene: small grey images with several digits of different sizes, and where each of them is.

    python scenes.py --out scenes.npz --seed 2019 --train 400 --test 200

The digits are those that scikit-learn ships (8 x 8 pixels). Each scene is covered with a grid of square cells. The cell
that holds the centre of a digit has the digit's class, the place of the centre in the cell, and the logarithm of its
width and height: the targets of an anchor-free detector (Zhou et al. 2019, "Objects as Points", arXiv 1904.07850).

`scores` and `decisions` say what predictions are worth, `baselines` gives some that need no training. The report calls
them, outside of the trainings.
"""

import argparse

import numpy as np

SIZE, CELL, CLASSES = 48, 4, 10
GRID = SIZE // CELL
SMALLEST, LARGEST, MOST = 10, 18, 5  # pixels of a digit's side; digits in a scene
HELD_OUT = 400  # the last digits of scikit-learn's, which only test scenes show
OVERLAP = 0.5  # of a box and the true one, from which on it is found (intersection over union)
SURE = 0.5  # the score from which on a detection is a decision
LEAST = 0.05  # the score from which on a detection counts for the average precision


def enlarged(digit, side):
    """Return a digit of 8 x 8 as a square of `side` pixels, interpolated, from 0 to 1."""
    places = np.linspace(0, 7, side)
    low = np.minimum(places.astype(int), 6)
    share = places - low
    tall = digit[low] * (1 - share)[:, None] + digit[low + 1] * share[:, None]
    return (tall[:, low] * (1 - share) + tall[:, low + 1] * share) / 16


def overlaps(box, others):
    """Return the intersection over union of a box (x0, y0, x1, y1) with each of others (n, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    return common / ((box[2:] - box[:2]).prod() + areas - common)


def scene(digits, classes, rng):
    """Return an image, and its digits (n, 5): class, x0, y0, x1, y1."""
    image, found = rng.uniform(0, 0.3, (SIZE, SIZE)), np.zeros((0, 5))
    for _ in range(rng.integers(2, MOST + 1)):
        number, side = rng.integers(len(digits)), rng.integers(SMALLEST, LARGEST + 1)
        x, y = rng.integers(0, SIZE - side + 1, 2)
        box = np.array([x, y, x + side, y + side], float)
        if (overlaps(box, found[:, 1:]) > 0.05).any():
            continue
        shown = enlarged(digits[number], side) * rng.uniform(0.5, 0.7)
        image[y : y + side, x : x + side] += shown
        found = np.vstack([found, [classes[number], *box]])
    return (image * 255).astype("uint8"), found


def targets_of(found):
    """Return (GRID, GRID, classes + 4). The cell of a digit's centre has 1 for the class, then its place and size."""
    grid = np.zeros((GRID, GRID, CLASSES + 4), "float32")
    for label, x0, y0, x1, y1 in found:
        x, y = (x0 + x1) / 2 / CELL, (y0 + y1) / 2 / CELL
        cell = grid[int(y), int(x)]
        cell[:] = 0
        cell[int(label)] = 1
        cell[CLASSES:] = x - int(x), y - int(y), np.log((x1 - x0) / CELL), np.log((y1 - y0) / CELL)
    return grid


def arrays_of(part, count, digits, classes, rng):
    scenes = [scene(digits, classes, rng) for _ in range(count)]
    boxes = np.full((count, MOST, 5), -1.0)
    for own, (_, found) in zip(boxes, scenes):
        own[: len(found)] = found
    images, targets = np.stack([image for image, _ in scenes]), np.stack([targets_of(found) for _, found in scenes])
    return {part + "_images": images, part + "_targets": targets, part + "_boxes": boxes}


def main():
    from sklearn.datasets import load_digits

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    for word in ("--seed", "--train", "--test"):
        parser.add_argument(word, type=int, required=True)
    options = parser.parse_args()
    rng, shipped = np.random.default_rng(options.seed), load_digits()
    known, new = slice(None, -HELD_OUT), slice(-HELD_OUT, None)
    made = arrays_of("train", options.train, shipped.images[known], shipped.target[known], rng)
    made.update(arrays_of("test", options.test, shipped.images[new], shipped.target[new], rng))
    np.savez(options.out, **made)


def is_peak(predictions):
    """Return, for each cell, whether no neighbour has a higher score than its highest: (n, GRID, GRID)."""
    best = predictions[..., :CLASSES].max(-1)
    wide = np.pad(best, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    around = [wide[:, y : y + GRID, x : x + GRID] for y in range(3) for x in range(3)]
    return best >= np.max(around, axis=0)


def detections(predictions, least):
    """Return a row (scene, class, score, x0, y0, x1, y1) for each digit that is detected."""
    best = predictions[..., :CLASSES].max(-1)
    number, row, column = np.nonzero(is_peak(predictions) & (best >= least))
    cells = predictions[number, row, column].astype(float)
    centres = CELL * np.stack([column + cells[:, CLASSES], row + cells[:, CLASSES + 1]], 1)
    halves = CELL * np.exp(np.clip(cells[:, CLASSES + 2 :], -5, 5)) / 2
    labels, found = cells[:, :CLASSES].argmax(1), best[number, row, column]
    return np.column_stack([number, labels, found, centres - halves, centres + halves])


def hits(found, boxes):
    """Return, for each detection, whether it is the first that covers a digit of its class.

    The highest score comes first.
    """
    found = found[np.argsort(-found[:, 2], kind="stable")]
    taken, hit = set(), []
    for number, label, _, *box in found:
        true = boxes[int(number)]
        share = np.where(true[:, 0] == label, overlaps(np.array(box), true[:, 1:]), 0)
        best = int(share.argmax())
        hit.append(share[best] >= OVERLAP and (number, best) not in taken)
        if hit[-1]:
            taken.add((number, best))
    return np.array(hit, bool)


def average_precision(found, boxes, label):
    """Return the area under precision over recall, for one class; None if the class is not there."""
    there = int((boxes[..., 0] == label).sum())
    hit = hits(found[found[:, 1] == label], boxes)
    if not there:
        return None
    precision = hit.cumsum() / np.arange(1, len(hit) + 1)
    ceiling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(ceiling[hit].sum() / there)


def scores(predictions, data):
    """Return the mean average precision over the classes; precision and recall of what is decided; all in percent."""
    boxes, found = data["test_boxes"], detections(predictions, LEAST)
    each = [average_precision(found, boxes, label) for label in range(CLASSES)]
    known = [value for value in each if value is not None]
    sure = hits(detections(predictions, SURE), boxes)
    return {
        "average_precision": 100 * sum(known) / len(known) if known else None,
        "precision": 100 * sure.mean() if len(sure) else None,
        "recall": 100 * sure.sum() / (boxes[..., 0] >= 0).sum(),
    }


def baselines(data):
    """Yield the true boxes, and the same boxes with classes drawn at random. Detectors should not score below these."""
    targets = data["test_targets"]
    yield "the true boxes", "the targets of the test scenes, judged like a prediction", targets
    number, row, column = np.nonzero(targets[..., :CLASSES].max(-1))
    drawn = targets.copy()
    drawn[..., :CLASSES] = 0
    drawn[number, row, column, np.random.default_rng(0).integers(0, CLASSES, len(number))] = 1
    yield "the true boxes, classes drawn", "the true boxes, each with a class drawn at random", drawn


def decisions(predictions):
    """Return the class of the digit that is detected in each cell, and -1 elsewhere."""
    heat = predictions[..., :CLASSES]
    return np.where(is_peak(predictions) & (heat.max(-1) >= SURE), heat.argmax(-1), -1)


if __name__ == "__main__":
    main()
