"""What the test predictions of a study are worth, by the kind of its data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from samebits.study import data, digits
from samebits.study.collecting import Judge


def _digits(folder: Path) -> Judge:
    with np.load(folder / data.FILE) as arrays:
        return partial(digits.judge, labels=arrays["test_labels"])


# kind of data -> function(folder of the data) -> judge
JUDGES: dict[str, Callable[[Path], Judge]] = {"digits": _digits}
