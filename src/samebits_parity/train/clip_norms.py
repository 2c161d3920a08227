"""Clipping that an optimizer does itself, after its gradients were seen (Keras' clipnorm and its like)."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from samebits_parity.defaults import hypotheses
from samebits_parity.train.values import Array


class Clip(NamedTuple):
    """`over`: the norm of each tensor, the norm of all of them, or each value; `most`: what it is clipped to."""

    over: Literal["tensor", "all", "value"]
    most: float

    def applied(self, gradients: dict[str, Array], name: str) -> Array:
        """One of these gradients, clipped."""
        if self.over == "value":
            return hypotheses.clip_value([gradients[name]], self.most)[0]
        if self.over == "tensor":
            return hypotheses.clip_norm([gradients[name]], self.most, over="tensor")[0]
        return hypotheses.clip_norm(list(gradients.values()), self.most, over="all")[list(gradients).index(name)]


def of(facts: dict[str, Any] | None) -> Clip | None:
    """What an optimizer is set to clip; None where it clips nothing, or tells nothing."""
    known: dict[str, Literal["tensor", "all", "value"]]
    known = {"clipnorm": "tensor", "global_clipnorm": "all", "clipvalue": "value"}
    for group in facts["groups"] if facts else ():
        for name, over in known.items():
            if isinstance(group.get(name), (int, float)):
                return Clip(over, float(group[name]))
    return None
