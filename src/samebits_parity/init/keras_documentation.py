"""What Keras 2.3.1, Keras 3, tf.keras and TensorFlow document of their initial weights."""

from __future__ import annotations

from samebits_parity.init import distributions, formulas
from samebits_parity.init.cases import SCALED
from samebits_parity.init.distributions import Distribution
from samebits_parity.init.hypotheses import Documentation, FanRule, Situation, documented
from samebits_parity.init.samples import DrawnWeight
from samebits_parity.sides import Side

ALIASES = {"uniform": "random_uniform", "normal": "random_normal"}
ARGUMENTS = {"depthwise_kernel": "depthwise", "recurrent_kernel": "recurrent", "DepthwiseConv2D.kernel": "depthwise"}
FORGET = FanRule("1 for the forget gate, else 0", formulas.forget_gate)


def of_weight(weight: DrawnWeight, side: Side) -> Documentation:
    """An initializer by its docstring; a weight of a layer by the default in the layer's signature."""
    if not weight.name:
        return documented(initializer(weight.case.name.removeprefix("tf."), side), weight, side)
    argument = f"{ARGUMENTS.get(weight.called) or ARGUMENTS.get(weight.name, weight.name)}_initializer"
    default = str(weight.defaults.get(argument, ""))
    if weight.called == "LSTM.bias" and weight.defaults.get("unit_forget_bias"):
        return documented([FORGET], weight, side, signature="unit_forget_bias=True")
    rules = initializer(ALIASES.get(default, default), side)
    return documented(rules, weight._replace(defaults={}), side, signature=f"{argument}={default}")


def initializer(name: str, side: Side) -> list[FanRule]:
    """The rules of an initializer by its name."""
    if name in SCALED:
        return formulas.author(name)
    if name.startswith("variance_scaling"):
        old = side.family == "keras2"
        return formulas.variance_scaling(name, ("normal", "truncated_normal") if old else ("truncated_normal",))
    return PLAIN.get(name) or formulas.unknown(name)


def _random_uniform(at: Situation) -> Distribution:
    highest = at.arguments.get("maxval", 0.05)
    return distributions.uniform(1.0 if highest is None else highest, at.arguments.get("minval", -0.05))


def _defaulting_to_one(at: Situation) -> Distribution:
    return distributions.uniform(1.0, at.arguments.get("minval", -0.05))


def _deviation(at: Situation) -> float:
    return float(at.arguments.get("stddev", 0.05))


BOUNDS = "from minval to maxval"
PLAIN: dict[str, list[FanRule]] = {
    # the docstring of Keras 2.3.1 speaks of a default that its signature does not have
    "random_uniform": [
        FanRule(f"{BOUNDS}, which defaults to 1 for float types", _defaulting_to_one, "Defaultsto1forfloattypes"),
        FanRule(f"{BOUNDS} of the signature", _random_uniform, "uniformdistribution"),
    ],
    "random_normal": [
        FanRule(
            "normal, stddev of the signature", lambda at: distributions.normal(_deviation(at)), "normaldistribution"
        ),
    ],
    "truncated_normal": [
        FanRule("truncated normal, stddev before it is cut", lambda at: distributions.truncated(_deviation(at)),
             "beforetruncation"),
        FanRule("truncated normal, stddev of the values that are generated",
             lambda at: distributions.truncated(_deviation(at) / distributions.SHRINK),
             "[Ss]tandarddeviationofthe(random)?values?togenerate"),
    ],
    "orthogonal": formulas.orthogonal(),
    "zeros": formulas.constant(0, "0"),
    "ones": formulas.constant(1, "1"),
    "identity": formulas.identity(),
}  # fmt: skip
