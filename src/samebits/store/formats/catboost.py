"""Reads a binary model of CatBoost without the facts of its training: an id, the time, the folder of its logs.

https://github.com/catboost/catboost/blob/master/catboost/private/libs/algo/full_model_saver.cpp
"""

from __future__ import annotations

import re
from pathlib import Path

from samebits.store.content import Parts

BEGINNING = b"CBM1"
_OF_ONE_TRAINING = re.compile(
    rb"[\x07-\x23]\0\0\0(?:[0-9a-f]{1,8}-){3}[0-9a-f]{1,8}\0+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|"
    rb"(?<=\"train_dir\":\")[^\"]*"
)


def read(path: Path, parts: Parts) -> None:
    """Add the model as one part."""
    parts.models.append("")
    parts.add("", "model", without_training(path.read_bytes()))


def without_training(model: bytes) -> bytes:
    """Return the bytes of a model without those of its training. The id comes after its length."""
    return _OF_ONE_TRAINING.sub(b"", model)
