"""Which of the paper's Equations 1 and 2 the weights were drawn from that a model started with.

The rule is that of `samebits parity init`: see `parity.init.equations`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits_parity.init import equations
from samebits_parity.init.fans import ordinary
from samebits_study.catalog import Library
from samebits_study.results import Initial


def look(path: Path, library: Library) -> list[Initial]:
    """One line for each kernel of a file of weights."""
    with np.load(path) as saved:
        kernels = [(name, saved[name]) for name in saved.files if saved[name].ndim > 1]
    return [judge(name, kernel, connections(kernel.shape, library)) for name, kernel in kernels]


def connections(shape: tuple[int, ...], library: Library) -> float:
    """n_in + n_out of a kernel, as its library counts them."""
    return sum(ordinary(shape, "first" if library == "pytorch" else "last"))


def judge(name: str, kernel: NDArray[Any], n: float) -> Initial:
    """Which of the two equations a kernel's values can come from. `equation`: None where it cannot be told."""
    first, second = equations.limits(n)
    return Initial(
        name=name,
        shape=list(kernel.shape),
        largest=float(np.abs(kernel).max()),
        equation_1=first,
        equation_2=second,
        equation=equations.decide(kernel, n),
    )
