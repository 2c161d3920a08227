"""The paper's Equations 1 and 2, decided by the weights that a model started from.

Equation 1 (Glorot and Bengio 2010) draws from U[-a, a] with a = sqrt(6 / (n_in + n_out)); Equation 2, which the paper
says is what Keras does, with a = sqrt(6 / max(1, (n_in + n_out) / 2)), which is larger by sqrt(2).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits.study.catalog import Library
from samebits.study.results import Initial

CHANCE = 1e-6  # below this, draws that all stayed inside Equation 1's limit were not drawn from Equation 2


def look(path: Path, library: Library) -> list[Initial]:
    """One line for each kernel of a file of weights."""
    with np.load(path) as saved:
        kernels = [(name, saved[name]) for name in saved.files if saved[name].ndim > 1]
    return [judge(name, kernel, connections(kernel.shape, library)) for name, kernel in kernels]


def connections(shape: tuple[int, ...], library: Library) -> int:
    """n_in + n_out of a kernel: Keras has its channels in the last two axes, PyTorch in the first two."""
    channels, window = (shape[:2], shape[2:]) if library == "pytorch" else (shape[-2:], shape[:-2])
    return math.prod(window) * sum(channels)


def judge(name: str, kernel: NDArray[Any], n: int) -> Initial:
    """Which of the two equations a kernel's values can come from. `equation`: None where it cannot be told.

    A value above Equation 1's limit excludes it. Where all n values lie within it, Equation 2 is excluded: of it each
    would do so with probability 1 / sqrt(2) only.
    """
    first, second = math.sqrt(6 / n), math.sqrt(6 / max(1.0, n / 2))
    largest = float(np.abs(kernel).max())
    equation = None
    if largest <= np.float32(first):
        equation = 1 if 0.5 ** (kernel.size / 2) < CHANCE else None
    elif largest <= np.float32(second):
        equation = 2
    return Initial(
        name=name, shape=list(kernel.shape), largest=largest, equation_1=first, equation_2=second, equation=equation
    )
