"""Gradients that jump though all values agree: a rectifier, or the largest of a window, turned over by rounding."""

from __future__ import annotations

import numpy as np

from samebits_parity.train.explanation.reason import Account
from samebits_parity.train.layers import OutputPair
from samebits_parity.train.values import Array
from samebits_parity.train.verdict import TrainVerdict


def reasons(judged: TrainVerdict, step: int) -> list[Account]:
    """What has turned over between outputs of layers that agree; none where nothing did."""
    found, before = [], None
    for pair in judged.layer_pairs:
        a, b = pair.outputs(judged.a, judged.b, step)
        if a.shape == b.shape:
            count = int(((a == 0) != (b == 0)).sum())
            if count and (a == 0).any():
                found.append(_said(pair, f"{count} of {a.size:,} values are zero on one side alone"))
            moved = _moved(judged, pair, before) if before is not None else 0
            if moved:
                found.append(_said(pair, f"{moved} of {a.size:,} windows have their largest value in another place"))
        before = a, b
    return found


def _said(pair: OutputPair, words: str) -> Account:
    said = f"rounding at a kink of {pair.a}: {words}; its gradient goes another way there"
    return Account("rounding at a kink", said, (pair.a,))


def _moved(judged: TrainVerdict, pair: OutputPair, given: tuple[Array, Array]) -> int:
    """In how many windows of a pooling the largest value is in another place. Windows side by side alone are seen."""
    settings = judged.a.layers.get(pair.a, {}).get("settings", {})
    size = settings.get("pool_size", settings.get("kernel_size"))
    size = (size, size) if isinstance(size, int) else size
    kind = str(judged.a.layers.get(pair.a, {}).get("type", ""))
    if not kind.startswith("MaxPool") or not size or len(size) != 2 or given[0].ndim != 4:
        return 0
    places = [_places(one if judged.a.is_keras else np.moveaxis(one, 1, -1), size) for one in given]
    return int((places[0] != places[1]).sum())


def _places(x: Array, size: tuple[int, int]) -> Array:
    rows, columns = (length // one for length, one in zip(x.shape[1:3], size, strict=True))
    cut = x[:, : rows * size[0], : columns * size[1]]
    apart = cut.reshape(len(x), rows, size[0], columns, size[1], -1).transpose(0, 1, 3, 5, 2, 4)
    places: Array = apart.reshape(*apart.shape[:4], -1).argmax(-1)
    return places
