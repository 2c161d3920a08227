"""The paper's Equations 1 and 2 for Glorot's uniform distribution, decided by what was drawn.

Equation 1 (Glorot and Bengio 2010) draws from U[-a, a] with a = sqrt(6 / (n_in + n_out)); Equation 2, which the paper
says is what Keras does, with a = sqrt(6 / max(1, (n_in + n_out) / 2)), which is larger by sqrt(2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANCE = 1e-6  # with which a limit that is the right one is refused
STEPS = 4  # of float32, by which a library may round a limit in its own way


def limits(connections: float) -> tuple[float, float]:
    """The limits of Equations 1 and 2. `connections`: n_in + n_out."""
    return math.sqrt(6 / connections), math.sqrt(6 / max(1.0, connections / 2))


def can_be_limit(limit: float, largest: float, count: int, chance: float = CHANCE) -> bool:
    """Whether `count` values whose largest magnitude is `largest` can be draws from U[-limit, limit].

    None may lie above the limit in float32. That all stay below `largest` has probability (largest / limit) ** count,
    which is itself uniform where the limit is the right one: below `chance` the limit is refused.
    """
    if largest <= 0 or largest > float(np.float32(limit)):
        return False
    return count * math.log(min(1.0, largest / limit)) >= math.log(chance)


def decide(values: NDArray[Any], connections: float, exact: float | None = None) -> int | None:
    """1 or 2, or None: neither, or both can be. `exact`: the limit itself, where the values have told it."""
    largest = float(np.abs(values).max())
    able = [
        equation
        for equation, limit in enumerate(limits(connections), 1)
        if (can_be_limit(limit, largest, values.size) if exact is None else is_limit(limit, exact))
    ]
    return able[0] if len(able) == 1 else None


def is_limit(limit: float, exact: float) -> bool:
    """Whether a limit is the one that was measured exactly, up to a few steps of float32."""
    return abs(limit - exact) <= STEPS * float(np.spacing(np.float32(limit)))
