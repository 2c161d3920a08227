"""What a library documents, as rules: a formula in words, and the distribution that it describes.

The rules for one object stand in a list. The docstring of the installed object decides which of them is documented: the
first whose `says` matches it. If none matches, the last rule is taken, from the `source` that it names. The other rules
stay hypotheses: if the documented rule does not fit, the report names the one that fits. This module has the rules that
several libraries share.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits.documents import Document
from samebits_parity.init import distributions
from samebits_parity.init.cases import DrawnWeight, Fans, fans_of_layer, order, ordinary_fans
from samebits_parity.init.distributions import Distribution, Family
from samebits_parity.sides import Side

__all__ = ["decide", "limits"]


class Situation(NamedTuple):
    """What a formula may use. `arguments`: the signature's defaults, replaced by those that were given."""

    shape: tuple[int, ...]
    fans: Fans
    arguments: dict[str, Any]


class FanRule(NamedTuple):
    """`says`: a regular expression for the words of a docstring, without blanks; empty if no docstring has it.

    `is_glorot`: it is Glorot's uniform distribution, whichever of the paper's two equations.
    """

    formula: str
    draws: Callable[[Situation], Distribution]
    says: str = ""
    source: str = "not in the docstring"
    is_glorot: bool = False


class DocumentedAs(Document):
    """`limit`, `deviation`: what the formula gives for this shape, null if it gives none; `source`: where the formula
    stands; `read`: whether the installed library says so itself, in a docstring or a signature.
    """

    formula: str
    limit: float | None
    deviation: float | None
    family: Family
    source: str
    read: bool


class Documentation(NamedTuple):
    """`others`: (words, distribution) of alternatives: other rules, or fans counted differently."""

    said: DocumentedAs
    distribution: Distribution
    others: list[tuple[str, Distribution]]
    is_glorot: bool = False


def documented(rules: list[FanRule], weight: DrawnWeight, side: Side, *, signature: str = "") -> Documentation:
    """Return what is documented about a weight. `signature`: the default that names the rules, if it is a layer's."""
    doc = re.sub(r"\s+", "", weight.doc)
    found = next((rule for rule in rules if rule.says and re.search(rule.says, doc)), None)
    rule, thing = found or rules[-1], weight.case.path.split("|")[0]
    source = f"signature of {thing}" if signature else f"docstring of {thing}" if found else rule.source
    drawn = rule.draws(_situation(weight, of_its_layer(weight, side)))
    said = DocumentedAs(
        formula=f"{signature}: {rule.formula}" if signature else rule.formula,
        limit=drawn.limit,
        deviation=drawn.deviation,
        family=drawn.family,
        source=source,
        read=bool(signature) or found is not None,
    )
    return Documentation(said, drawn, list(_others(rules, rule, weight, side)), rule.is_glorot)


def of_its_layer(weight: DrawnWeight, side: Side) -> Fans:
    """Return, for the layer of the weight, how many inputs an output has, and how many outputs an input has."""
    return fans_of_layer(weight.shape, weight.case.layout, order(side), weight.case.groups)


def _situation(weight: DrawnWeight, fans: Fans) -> Situation:
    return Situation(weight.shape, fans, {**weight.defaults, **weight.case.arguments})


def _others(
    rules: list[FanRule], documented: FanRule, weight: DrawnWeight, side: Side
) -> Iterator[tuple[str, Distribution]]:
    plain, its = ordinary_fans(weight.shape, order(side)), of_its_layer(weight, side)
    counted = [(its, ""), (plain, ", fans as an ordinary convolution of this shape"), (its.swapped, ", fans swapped")]
    for rule in (documented, *(rule for rule in rules if rule is not documented)):
        for fans, words in counted:
            if rule is not documented or words:
                yield rule.formula + words, rule.draws(_situation(weight, fans))


# The paper's Equations 1 and 2 for Glorot's uniform distribution, decided by what was drawn.
#
# Equation 1 (Glorot and Bengio 2010) draws from U[-a, a] with a = sqrt(6 / (n_in + n_out)); Equation 2, which the
# paper says is what Keras does, with a = sqrt(6 / max(1, (n_in + n_out) / 2)), which is larger by sqrt(2).

CHANCE = 1e-6  # the probability of rejecting the right limit


def limits(connections: float) -> tuple[float, float]:
    """Return the limits of Equations 1 and 2. `connections`: n_in + n_out."""
    return math.sqrt(6 / connections), math.sqrt(6 / max(1.0, connections / 2))


def can_be_limit(limit: float, largest: float, count: int, chance: float = CHANCE) -> bool:
    """Return whether `count` values whose largest magnitude is `largest` can be draws from U[-limit, limit].

    None may lie above the limit in float32. The probability that all stay below `largest` is (largest / limit) **
    count. For the right limit this number is itself uniform, so a limit is rejected if it is below `chance`.
    """
    if largest <= 0 or largest > float(np.float32(limit)):
        return False
    return count * math.log(min(1.0, largest / limit)) >= math.log(chance)


def decide(values: NDArray[Any], connections: float) -> int | None:
    """Return 1 or 2; None if neither fits, or both do."""
    largest = float(np.abs(values).max())
    able = [can_be_limit(limit, largest, values.size) for limit in limits(connections)]
    return able.index(True) + 1 if sum(able) == 1 else None


SCALES = {"glorot": (1.0, "fan_avg"), "he": (2.0, "fan_in"), "lecun": (1.0, "fan_in")}


def average(fans: Fans, mode: str) -> float:
    """Return the n of variance scaling."""
    return {"fan_in": fans.into, "fan_out": fans.out, "fan_avg": (fans.into + fans.out) / 2}[mode]


def of_deviation(deviation: float, family: str) -> Distribution:
    """Return a distribution of a family, from the deviation of the values drawn."""
    if family == "uniform":
        return distributions.uniform(math.sqrt(3) * deviation)
    if family == "truncated_normal":
        return distributions.truncated(deviation / distributions.SHRINK)
    return distributions.normal(deviation)


def scaling(scale: float, mode: str, family: str) -> Callable[[Situation], Distribution]:
    """Return variance scaling: a deviation of sqrt(scale / n)."""
    return lambda at: of_deviation(math.sqrt(scale / average(at.fans, mode)), family)


def author(name: str) -> list[FanRule]:
    """Return the rules of glorot_uniform, he_normal and the like, as Keras and TensorFlow document them."""
    who, family = name.split("_")
    scale, mode = SCALES[who]
    top = scale * {"uniform": 3, "normal": 1}[family] * {"glorot": 2}.get(who, 1)
    root = f"sqrt({top:.0f} / {'(fan_in + fan_out)' if who == 'glorot' else 'fan_in'})"
    says = re.escape(root.replace(" ", ""))
    if family == "normal":
        whole = scaling(scale * distributions.SHRINK**2, mode, "truncated_normal")  # the cut shrinks the deviation
        documented = FanRule(f"truncated normal, stddev = {root}", scaling(scale, mode, "truncated_normal"), says)
        return [FanRule(f"stddev = {root} before it is cut", whole), documented]
    rule = FanRule(f"limit = {root}", scaling(scale, mode, "uniform"), says, is_glorot=who == "glorot")
    return [SECOND, rule] if rule.is_glorot else [rule]


SECOND = FanRule(
    "limit = sqrt(6 / max(1, (fan_in + fan_out) / 2))",
    lambda at: distributions.uniform(limits(at.fans.into + at.fans.out)[1]),
    source="Alahmari et al. 2020, Equation 2",
    is_glorot=True,
)


def constant(value: float, says: str = "") -> list[FanRule]:
    """Return the rules of zeros and ones."""
    return [FanRule(f"all {value:g}", lambda _: distributions.constant(value), says)]


def orthogonal(says: str = "rthogonal") -> list[FanRule]:
    """Return the rules of orthogonal rows or columns."""
    return [FanRule("orthogonal, gain 1", lambda _: distributions.orthogonal(1.0), says)]


def unknown(name: str) -> list[FanRule]:
    """Return the rule for a name that is in no table here."""
    return [FanRule(f"{name or 'nothing named'}: no formula is known here", lambda _: distributions.other("not known"))]


def forget_gate(at: Situation) -> Distribution:
    """Return Keras' unit_forget_bias: the second of four blocks is one. Source: the docstring of LSTM."""
    units = at.shape[0] // 4
    runs = [(0, units, 0.0), (units, 2 * units, 1.0), (2 * units, 4 * units, 0.0)]
    return distributions.other(distributions.blocks(runs))
