"""What a training left: whether it is whole, and where its weights are."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from samebits.errors import DataError

OUTCOME, PREDICTIONS = "outcome.json", "predictions.npz"


def is_whole(place: Path) -> bool:
    """Whether a training ended and all that it left can still be read: its outcome, its predictions, its weights."""
    weights = [path for _, path in weights_files(place)]
    if not weights or not all(zipfile.is_zipfile(path) for path in (place / PREDICTIONS, *weights)):
        return False
    try:
        read_outcome(place)
    except DataError:
        return False
    return True


def read_outcome(place: Path) -> dict[str, Any]:
    """What a training says of itself. Raises DataError."""
    path = place / OUTCOME
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read: {why}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is not the outcome of a training.")
    return found


def weights_files(place: Path) -> list[tuple[int, Path]]:
    """(epoch, file) of the weights that were kept, 0 for the initial ones."""
    return [(int(path.stem.split("-")[1]), path) for path in sorted(place.glob("weights-*.npz"))]
