"""Masks of the test fields that no network made: levels of grey, and a classifier of single pixels.

All of them see dark cells on a bright ground. What they need, they learn from the training fields.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

Bytes = NDArray[np.uint8]
Reals = NDArray[np.float32]

CELL, LEVELS = 255, 256
SIGMAS = (0.7, 1.0, 1.6, 3.5, 5.0, 10.0)  # of the filters of a pixel: those of ilastik, https://www.ilastik.org
GROUND, SMOOTH = 10.0, 0.7  # sigmas of the local level: of the ground that it is compared with, and of the field
TREES, PIXELS, SEED = 80, 100_000, 0


class MethodMasks(NamedTuple):
    """A method without a network: its name, what it does, and its masks of the test fields (N, H, W), 0 or 255."""

    name: str
    about: str
    masks: Bytes


@functools.cache
def every(path: Path) -> list[MethodMasks]:
    """Return the masks of all methods. `path`: the study's data. They are computed once for a file."""
    with np.load(path) as file:
        images, masks, test = file["train_images"], file["train_masks"], file["test_images"]
    level, (local, local_level) = best_level(images, masks), _local(images, masks, test)
    learned = "the level with the highest Dice on the training fields"
    return [
        MethodMasks(
            "one grey level",
            f"a pixel belongs to a cell if its grey level is at most {level}: {learned}",
            _as_mask(test <= level),
        ),
        MethodMasks(
            "Otsu's level",
            "a pixel belongs to a cell if its grey level is at most that of Otsu (IEEE SMC-9, 1979) for its field",
            _as_mask(np.stack([field <= _otsu(field) for field in test])),
        ),
        MethodMasks(
            "a local level",
            f"a pixel belongs to a cell if the logarithm of its grey level, smoothed ({SMOOTH}), lies at least "
            f"{-local_level:.3f} below the mean around it (Gaussian, {GROUND:.0f} pixels): {learned}",
            local,
        ),
        MethodMasks(
            "a pixel classifier",
            f"{TREES} gradient-boosted trees decide for each pixel by {3 * len(SIGMAS)} Gaussian filters around it; "
            f"they learned {PIXELS:,} pixels of the training fields",
            _classified(images, masks, test),
        ),
    ]


def _as_mask(is_cell: NDArray[np.bool_]) -> Bytes:
    return np.where(is_cell, CELL, 0).astype(np.uint8)


def best_level(images: Bytes, masks: Bytes) -> int:
    """Return the grey level that gives the highest Dice over all pixels, if pixels at or below it count as cells."""
    cell = np.bincount(images[masks > 0], minlength=LEVELS).cumsum()
    either = np.bincount(images.ravel(), minlength=LEVELS).cumsum() + cell[-1]
    return int((2 * cell / np.maximum(either, 1)).argmax())


def _otsu(field: Bytes) -> int:
    """Return Otsu's level; -1 for a field of one grey level, which has no cell."""
    return int(threshold_otsu(field)) if field.min() < field.max() else -1


def _local(images: Bytes, masks: Bytes, test: Bytes) -> tuple[Bytes, float]:
    """Return the masks, and the level. The levels that are tried are 256 quantiles of the training fields."""
    depth = _depth(images)
    levels = np.quantile(depth, np.linspace(0, 1, LEVELS))
    places = np.searchsorted(levels, depth).clip(0, LEVELS - 1).astype(np.uint8)
    level = levels[best_level(places, masks)]
    return _as_mask(_depth(test) <= level), float(level)


def _depth(fields: Bytes) -> Reals:
    logarithms = np.log(np.stack([ndimage.gaussian_filter(field + np.float32(1), SMOOTH) for field in fields]))
    return np.stack([one - ndimage.gaussian_filter(one, GROUND) for one in logarithms])


def _classified(images: Bytes, masks: Bytes, test: Bytes) -> Bytes:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    chosen = np.random.default_rng(SEED).choice(images.size, min(PIXELS, images.size), replace=False)
    labels = masks.reshape(-1)[chosen] > 0
    if labels.all() or not labels.any():
        return _as_mask(np.full(test.shape, labels.all()))
    fields, places = np.divmod(chosen, images[0].size)
    learned = [_filters(images[field])[places[fields == field]] for field in np.unique(fields)]
    order = np.argsort(fields, kind="stable")
    trees = HistGradientBoostingClassifier(max_iter=TREES, random_state=SEED)
    with threadpool_limits(1):  # small pieces of work: several threads wait for each other
        trees.fit(np.concatenate(learned), labels[order])
        return _as_mask(np.stack([trees.predict(_filters(field)).reshape(field.shape) for field in test]))


def _filters(field: Bytes) -> Reals:
    """Return the smoothed value, the Laplacian and the gradient of each pixel (H * W, 18), at each sigma."""
    real = field.astype(np.float32)
    filters = (ndimage.gaussian_filter, ndimage.gaussian_laplace, ndimage.gaussian_gradient_magnitude)
    return np.stack([make(real, sigma).ravel() for sigma in SIGMAS for make in filters], axis=-1)
