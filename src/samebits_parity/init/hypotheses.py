"""What a library documents, as a hypothesis: a formula in words, and the distribution that it says.

Rules of one thing stand in a list. The docstring of the installed thing decides which of them is documented: the first
whose `says` is found in it. Where none is, the last rule is taken, from the `source` that it names. The others stay
hypotheses: where what is documented does not fit, the one that does is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from samebits_parity.init.cases import order
from samebits_parity.init.distributions import Distribution
from samebits_parity.init.fans import Fans, of_layer, ordinary
from samebits_parity.init.samples import DrawnWeight
from samebits_parity.sides import Side


class Situation(NamedTuple):
    """What a formula may ask for. `arguments`: the signature's defaults, then those that were given."""

    shape: tuple[int, ...]
    fans: Fans
    arguments: dict[str, Any]


class FanRule(NamedTuple):
    """`says`: a regular expression for how a docstring says it, blanks not counted; empty where none does. `is_glorot`:
    it is Glorot's uniform distribution, by either of the paper's equations."""

    formula: str
    draws: Callable[[Situation], Distribution]
    says: str = ""
    source: str = "not in the docstring"
    is_glorot: bool = False


class Documentation(NamedTuple):
    """`read`: whether the installed docstring or signature says it; `others`: (words, distribution) that would be
    something else: other rules, fans counted in another way."""

    formula: str
    source: str
    read: bool
    distribution: Distribution
    others: list[tuple[str, Distribution]]
    is_glorot: bool = False


def documented(rules: list[FanRule], weight: DrawnWeight, side: Side, *, signature: str = "") -> Documentation:
    """What is documented of a weight. `signature`: the default that names the rules, where a layer's does."""
    said = re.sub(r"\s+", "", weight.doc)
    found = next((rule for rule in rules if rule.says and re.search(rule.says, said)), None)
    rule = found or rules[-1]
    thing = weight.case.path.split("|")[0]
    places = {True: f"docstring of {thing}", False: rule.source}
    return Documentation(
        formula=f"{signature}: {rule.formula}" if signature else rule.formula,
        source=f"signature of {thing}" if signature else places[found is not None],
        read=bool(signature) or found is not None,
        distribution=rule.draws(_situation(weight, of_its_layer(weight, side))),
        others=list(_others(rules, rule, weight, side)),
        is_glorot=rule.is_glorot,
    )


def of_its_layer(weight: DrawnWeight, side: Side) -> Fans:
    """How many inputs an output has in the layer that the weight belongs to, and how many outputs an input."""
    return of_layer(weight.shape, weight.case.layout, order(side), weight.case.groups)


def _situation(weight: DrawnWeight, fans: Fans) -> Situation:
    return Situation(weight.shape, fans, {**weight.defaults, **weight.case.arguments})


def _others(
    rules: list[FanRule], documented: FanRule, weight: DrawnWeight, side: Side
) -> Iterator[tuple[str, Distribution]]:
    plain, its = ordinary(weight.shape, order(side)), of_its_layer(weight, side)
    counted = [(its, ""), (plain, ", fans as an ordinary convolution of this shape"), (its.swapped, ", fans swapped")]
    for rule in (documented, *(rule for rule in rules if rule is not documented)):
        for fans, words in counted:
            if rule is not documented or words:
                yield rule.formula + words, rule.draws(_situation(weight, fans))
