"""The formulas that libraries document, as rules: those that several libraries share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits_parity.init import distributions, estimate
from samebits_parity.init.distributions import Distribution
from samebits_parity.init.fans import Fans
from samebits_parity.init.hypotheses import FanRule, Situation

# The paper's Equations 1 and 2 for Glorot's uniform distribution, decided by what was drawn.
#
# Equation 1 (Glorot and Bengio 2010) draws from U[-a, a] with a = sqrt(6 / (n_in + n_out)); Equation 2, which the
# paper says is what Keras does, with a = sqrt(6 / max(1, (n_in + n_out) / 2)), which is larger by sqrt(2).

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


N = {"fan_in": "fan_in", "fan_out": "fan_out", "fan_avg": "((fan_in + fan_out) / 2)",
     "fan_geo_avg": "sqrt(fan_in * fan_out)"}  # fmt: skip
SCALES = {"glorot": (1.0, "fan_avg"), "he": (2.0, "fan_in"), "lecun": (1.0, "fan_in")}
PAPER = "Alahmari et al. 2020, Equation 2"


def average(fans: Fans, mode: str) -> float:
    """The n of variance scaling."""
    return {
        "fan_in": fans.into,
        "fan_out": fans.out,
        "fan_avg": (fans.into + fans.out) / 2,
        "fan_geo_avg": math.sqrt(fans.into * fans.out),
    }[mode]


def of_deviation(deviation: float, family: str) -> Distribution:
    """A family by the deviation of what is drawn."""
    if family == "uniform":
        return distributions.uniform(math.sqrt(3) * deviation)
    if family == "truncated_normal":
        return distributions.truncated(deviation / distributions.SHRINK)
    return distributions.normal(deviation)


def scaling(scale: float, mode: str, family: str) -> Callable[[Situation], Distribution]:
    """Variance scaling: a deviation of sqrt(scale / n)."""
    return lambda at: of_deviation(math.sqrt(scale / average(at.fans, mode)), family)


def before_truncation(scale: float, mode: str) -> Callable[[Situation], Distribution]:
    """The deviation of the normal distribution before it is cut."""
    return lambda at: distributions.truncated(math.sqrt(scale / average(at.fans, mode)))


def author(name: str) -> list[FanRule]:
    """Rules of glorot_uniform, he_normal and the like, as Keras and TensorFlow document them."""
    who, family = name.split("_")
    scale, mode = SCALES[who]
    top = scale * {"uniform": 3, "normal": 1}[family] * {"glorot": 2}.get(who, 1)
    root = f"sqrt({top:.0f} / {'(fan_in + fan_out)' if who == 'glorot' else 'fan_in'})"
    says = re.escape(root.replace(" ", ""))
    if family == "normal":
        whole = FanRule(f"stddev = {root} before it is cut", before_truncation(scale, mode))
        return [whole, FanRule(f"truncated normal, stddev = {root}", scaling(scale, mode, "truncated_normal"), says)]
    rules = [FanRule(f"limit = {root}", scaling(scale, mode, "uniform"), says, is_glorot=who == "glorot")]
    if who == "glorot":
        rules.insert(
            0, FanRule("limit = sqrt(6 / max(1, (fan_in + fan_out) / 2))", _second, source=PAPER, is_glorot=True)
        )
    return rules


def _second(at: Situation) -> Distribution:
    return distributions.uniform(limits(at.fans.into + at.fans.out)[1])


def variance_scaling(name: str, truncated: tuple[str, ...]) -> list[FanRule]:
    """Rules of `variance_scaling(mode, distribution)`; `truncated`: the distributions that are cut."""
    mode, family = name.rstrip(")").split("(")[1].split(", ")
    n = N[mode]
    if family == "uniform":
        says = r"sqrt\(3\*scale/n\)|auniforminterval"
        return [FanRule(f"limit = sqrt(3 * scale / {n})", lambda at: _scaled(at, "uniform"), says)]
    says = r"sqrt\(scale/n\)|sqrt\{\\frac\{scale\}\{n\}\}"
    if family not in truncated:
        return [FanRule(f"normal, stddev = sqrt(scale / {n})", lambda at: _scaled(at, "normal"), says)]
    return [
        FanRule(f"stddev = sqrt(scale / {n}) before it is cut", _scaled_before),
        FanRule(f"truncated normal, stddev = sqrt(scale / {n})", lambda at: _scaled(at, "truncated_normal"), says),
    ]


def _scaled(at: Situation, family: str) -> Distribution:
    return scaling(at.arguments["scale"], at.arguments["mode"], family)(at)


def _scaled_before(at: Situation) -> Distribution:
    return before_truncation(at.arguments["scale"], at.arguments["mode"])(at)


def constant(value: float, says: str = "") -> list[FanRule]:
    """Zeros, ones."""
    return [FanRule(f"all {value:g}", lambda _: distributions.constant(value), says)]


def orthogonal(says: str = "rthogonal") -> list[FanRule]:
    """Orthogonal rows or columns."""
    return [FanRule("orthogonal, gain 1", lambda _: distributions.orthogonal(1.0), says)]


def identity(says: str = "dentitymatrix") -> list[FanRule]:
    """Ones on the diagonal."""
    return [FanRule("the identity", lambda _: distributions.other(estimate.diagonal(1)), says)]


def unknown(name: str) -> list[FanRule]:
    """Of a name that is in no table here."""
    return [FanRule(f"{name or 'nothing named'}: no formula is known here", lambda _: distributions.other("not known"))]


def forget_gate(at: Situation) -> Distribution:
    """Keras' unit_forget_bias: the second of four blocks is one. Source: the docstring of LSTM."""
    units = at.shape[0] // 4
    runs = [(0, units, 0.0), (units, 2 * units, 1.0), (2 * units, 4 * units, 0.0)]
    return distributions.other(estimate.blocks(runs))
