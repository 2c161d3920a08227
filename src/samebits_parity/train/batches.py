"""What is fed: inputs in either order of axes, labels as numbers or one-hot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from samebits_parity.train.distance import relative
from samebits_parity.train.values import Array, TrainingValues


class BatchInput(NamedTuple):
    """One input or label of A, with that of B that stands for it, both brought into A's form (float64)."""

    a_name: str
    b_name: str
    a: Array
    b: Array


def pairs(a: TrainingValues, b: TrainingValues, step: int) -> list[BatchInput]:
    """Inputs with inputs and labels with labels, in their order; what only one side shows is left out."""
    found = []
    for labels in (False, True):
        names = [[name for name in side.names(step, "batch") if _is_label(name) == labels] for side in (a, b)]
        for name_a, name_b in zip(*names, strict=False):
            value_a, value_b = a.value(step, "batch", name_a), b.value(step, "batch", name_b)
            found.append(BatchInput(name_a, name_b, *_alike(value_a, value_b, labels=labels)))
    return found


def _is_label(name: str) -> bool:
    return name.startswith("labels")


def _alike(a: Array, b: Array, *, labels: bool) -> tuple[Array, Array]:
    """Both in one form: of the forms that fit, the one in which they are nearest."""
    forms = [(a, changed) for changed in _forms(b, labels=labels) if changed.shape == a.shape]
    forms += [(changed, b) for changed in _forms(a, labels=labels) if changed.shape == b.shape]
    return min(forms, key=lambda pair: relative(*pair), default=(a, b))


def _forms(value: Array, *, labels: bool) -> Iterator[Array]:
    yield value
    if value.ndim > 2:
        yield np.moveaxis(value, 1, -1)
        yield np.moveaxis(value, -1, 1)
    if value.ndim > 1 and value.shape[-1] == 1:
        yield value[..., 0]
    if value.ndim > 2 and value.shape[1] == 1:
        yield value[:, 0]
    if labels and value.ndim > 1:
        for axis in {1, value.ndim - 1}:
            if _is_one_hot(value, axis):
                yield value.argmax(axis).astype(float)


def _is_one_hot(value: Array, axis: int) -> bool:
    return bool(value.shape[axis] > 1 and np.isin(value, (0, 1)).all() and (value.sum(axis) == 1).all())
