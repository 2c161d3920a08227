"""What JAX documents of its initializers, and flax of its layers."""

from __future__ import annotations

import re

from samebits_parity.init import distributions, formulas
from samebits_parity.init.cases import SCALED
from samebits_parity.init.hypotheses import Documentation, FanRule, documented
from samebits_parity.init.samples import DrawnWeight
from samebits_parity.sides import Side

SAYS = {
    (scale, mode, family): re.escape(f'``scale={scale:.1f}``,``mode="{mode}"``,and``distribution="{family}"``')
    for scale, mode in set(formulas.SCALES.values())
    for family in ("uniform", "truncated_normal")
}


def of_weight(weight: DrawnWeight, side: Side) -> Documentation:
    """By the docstring of the initializer; of flax' layers, which name it in a field, by flax' documentation."""
    return documented(_rules(weight), weight, side)


def _rules(weight: DrawnWeight) -> list[FanRule]:
    name = weight.case.name
    if weight.name:
        return LAYERS[weight.name]
    if name.startswith("variance_scaling"):
        return formulas.variance_scaling(name, ("truncated_normal",))
    short = name.split("(")[0]
    if short in SCALED:
        return [rule._replace(says=rule.says and _says(short)) for rule in formulas.author(short)]
    return PLAIN[name]


def _says(name: str) -> str:
    who, family = name.split("_")
    scale, mode = formulas.SCALES[who]
    return SAYS[(scale, mode, {"normal": "truncated_normal"}.get(family, family))]


FLAX = "flax.linen's documentation: lecun_normal kernels, zero biases"
PLAIN: dict[str, list[FanRule]] = {
    "uniform": [
        FanRule("from 0 to scale", lambda at: distributions.uniform(at.arguments["scale"], 0.0), r"\[0,scale\)"),
    ],
    "normal": [
        FanRule(
            "normal, stddev", lambda at: distributions.normal(at.arguments["stddev"]), "standarddeviation``stddev``"
        ),
    ],
    "truncated_normal": [
        FanRule("truncated normal, stddev before it is cut", lambda at: distributions.truncated(at.arguments["stddev"]),
             "standarddeviationoftheuntruncated"),
        FanRule("truncated normal, stddev of what is drawn",
             lambda at: distributions.truncated(at.arguments["stddev"] / distributions.SHRINK),
             "standarddeviationofthetruncated"),
    ],
    "orthogonal": formulas.orthogonal(),
    "zeros": formulas.constant(0, "fullofzeros"),
    "ones": formulas.constant(1, "fullofones"),
}  # fmt: skip
LAYERS: dict[str, list[FanRule]] = {
    "kernel": [rule._replace(says="", source=FLAX) for rule in formulas.author("lecun_normal")],
    "embedding": [FanRule("normal, stddev = sqrt(1 / features)", lambda at: distributions.normal(at.shape[1] ** -0.5),
                       source="flax.linen.Embed's documentation")],
    "bias": formulas.constant(0), "scale": formulas.constant(1),
}  # fmt: skip
