"""What PyTorch documents of its initial weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from samebits_parity.init import distributions, formulas
from samebits_parity.init.distributions import Distribution
from samebits_parity.init.hypotheses import Documentation, FanRule, Situation, documented
from samebits_parity.init.samples import DrawnWeight
from samebits_parity.sides import Side

IN = r"k=\\frac\{%s\}\{C_\\text\{%s\}\*"


def of_weight(weight: DrawnWeight, side: Side) -> Documentation:
    """By the docstring of the function or the layer."""
    return documented(_rules(weight), weight, side)


def _rules(weight: DrawnWeight) -> list[FanRule]:
    called = weight.called
    if called in LAYERS:
        return LAYERS[called]
    return LAYERS.get(f"{weight.case.name.split()[0]}.*") or INITIALIZERS[called.split("(")[0]]


def _gain(at: Situation) -> float:
    """Of leaky_relu with the slope a (nn.init.calculate_gain)."""
    return math.sqrt(2 / (1 + float(at.arguments.get("a", 0)) ** 2))


def _kaiming(family: str) -> Callable[[Situation], Distribution]:
    def draws(at: Situation) -> Distribution:
        n = formulas.average(at.fans, at.arguments.get("mode", "fan_in"))
        return formulas.of_deviation(_gain(at) / math.sqrt(n), family)

    return draws


def _trunc_normal(at: Situation) -> Distribution:
    """Cut at a and b, which are no multiples of std."""
    deviation, a, b = (float(at.arguments[name]) for name in ("std", "a", "b"))
    if math.isclose(b, 2 * deviation) and math.isclose(a, -b):
        return distributions.truncated(deviation)
    assert b > 10 * deviation, "another cut is not in this table"
    return distributions.normal(deviation)


def _root(k: Callable[[Any], float]) -> Callable[[Situation], Distribution]:
    """U(-sqrt(k), sqrt(k))."""
    return lambda at: distributions.uniform(math.sqrt(k(at.arguments)))


def _shared(channels: str, *, grouped: bool) -> Callable[[Situation], Distribution]:
    """k = 1 or groups over the channels of one side times the kernel's places."""
    return _root(lambda a: (a.get("groups", 1) if grouped else 1) / float(a[channels] * a["kernel_size"] ** 2))


def _convolution(channels: str) -> list[FanRule]:
    """How PyTorch 1.3 says it (without groups), and later releases; the other side's channels for comparison."""
    rules = []
    for side in (channels, "in_channels" if channels == "out_channels" else "out_channels"):
        short = side.split("_")[0]
        rules += [
            FanRule(
                f"limit = sqrt(groups / (C_{short} * window))", _shared(side, grouped=True), IN % ("groups", short)
            ),
            FanRule(f"limit = sqrt(1 / (C_{short} * window))", _shared(side, grouped=False), IN % ("1", short)),
        ]
    return rules


def _hidden(arguments: dict[str, Any]) -> float:
    return 1 / float(arguments["hidden_size"])


def _features(arguments: dict[str, Any]) -> float:
    return 1 / float(arguments["in_features"])


HIDDEN = [FanRule("limit = sqrt(1 / hidden_size)", _root(_hidden), r"k=\\frac\{1\}\{\\text\{hidden\\_size\}\}")]
LINEAR = [FanRule("limit = sqrt(1 / in_features)", _root(_features), r"k=\\frac\{1\}\{\\text\{in\\_features\}\}")]
ONE, ZERO = "setto1|initializedtoones|initializedto1", "setto0|zeros\\(forbiases\\)|initializedto0"
LAYERS: dict[str, list[FanRule]] = {
    "Linear.*": LINEAR, "LSTM.*": HIDDEN, "GRU.*": HIDDEN,
    "Conv2d.*": _convolution("in_channels"), "ConvTranspose2d.*": _convolution("out_channels"),
    "Embedding.*": [FanRule("normal, stddev = 1", lambda _: distributions.normal(1.0), r"mathcal\{N\}\(0,1\)")],
    "BatchNorm2d.weight": formulas.constant(1, ONE), "BatchNorm2d.bias": formulas.constant(0, ZERO),
    "BatchNorm2d.running_mean": formulas.constant(0), "BatchNorm2d.running_var": formulas.constant(1),
    "LayerNorm.weight": formulas.constant(1, ONE), "LayerNorm.bias": formulas.constant(0, ZERO),
}  # fmt: skip
XAVIER = r"\\sqrt\{\\frac\{%d\}\{\\text\{fan\\_in\}\+\\text\{fan\\_out\}\}\}"
INITIALIZERS: dict[str, list[FanRule]] = {
    "xavier_uniform_": [
        formulas.author("glorot_uniform")[0],
        FanRule("limit = sqrt(6 / (fan_in + fan_out))", formulas.scaling(1, "fan_avg", "uniform"), XAVIER % 6,
                is_glorot=True),
    ],
    "xavier_normal_": [
        FanRule("normal, stddev = sqrt(2 / (fan_in + fan_out))", formulas.scaling(1, "fan_avg", "normal"), XAVIER % 2),
    ],
    "kaiming_uniform_": [
        FanRule("limit = gain * sqrt(3 / fan_mode)", _kaiming("uniform"), r"text\{bound\}=.*fan\\_(in|mode)\}"),
    ],
    "kaiming_normal_": [
        FanRule("normal, stddev = gain / sqrt(fan_mode)", _kaiming("normal"), r"text\{std\}=.*fan\\_(in|mode)\}"),
    ],
    "uniform_": [FanRule("from a to b", lambda _: distributions.uniform(1.0, 0.0), r"mathcal\{U\}\(a,b\)")],
    "normal_": [FanRule("normal, stddev = std", lambda _: distributions.normal(1.0), r"mathcal\{N\}\(\\text\{mean")],
    "trunc_normal_": [FanRule("normal, stddev = std before it is cut at a and b", _trunc_normal, "outside.*redrawn")],
    "orthogonal_": formulas.orthogonal(), "eye_": formulas.identity(),
    "zeros_": formulas.constant(0, "scalarvalue`0`"), "ones_": formulas.constant(1, "scalarvalue`1`"),
}  # fmt: skip
