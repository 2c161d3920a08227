"""What Keras (2.3.1, 3, tf.keras), TensorFlow, PyTorch, JAX and flax document of their initial weights."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from samebits_parity.init import distributions, formulas
from samebits_parity.init.cases import SCALED, DrawnWeight
from samebits_parity.init.distributions import Distribution
from samebits_parity.init.formulas import Documentation, FanRule, Situation, documented
from samebits_parity.sides import Side

ALIASES = {"uniform": "random_uniform", "normal": "random_normal"}
ARGUMENTS = {"depthwise_kernel": "depthwise", "recurrent_kernel": "recurrent", "DepthwiseConv2D.kernel": "depthwise"}
FORGET = FanRule("1 for the forget gate, else 0", formulas.forget_gate)


def of_keras(weight: DrawnWeight, side: Side) -> Documentation:
    """Return the documentation in the docstring of an initializer.

    For a layer's weight, it is the default in the layer's signature.
    """
    if not weight.name:
        return documented(initializer(weight.case.name.removeprefix("tf.")), weight, side)
    argument = f"{ARGUMENTS.get(weight.called) or ARGUMENTS.get(weight.name, weight.name)}_initializer"
    default = str(weight.defaults.get(argument, ""))
    if weight.called == "LSTM.bias" and weight.defaults.get("unit_forget_bias"):
        return documented([FORGET], weight, side, signature="unit_forget_bias=True")
    rules = initializer(ALIASES.get(default, default))
    return documented(rules, weight._replace(defaults={}), side, signature=f"{argument}={default}")


def initializer(name: str) -> list[FanRule]:
    """Return the rules of an initializer by its name."""
    if name in SCALED:
        return formulas.author(name)
    return KERAS_PLAIN.get(name) or formulas.unknown(name)


def _random_uniform(at: Situation) -> Distribution:
    highest = at.arguments.get("maxval", 0.05)
    return distributions.uniform(1.0 if highest is None else highest, at.arguments.get("minval", -0.05))


def _deviation(at: Situation) -> float:
    return float(at.arguments.get("stddev", 0.05))


BOUNDS = "from minval to maxval"
KERAS_PLAIN: dict[str, list[FanRule]] = {
    # the docstring of Keras 2.3.1 names a default that its signature does not have
    "random_uniform": [
        FanRule(f"{BOUNDS}, which defaults to 1 for float types",
                lambda at: distributions.uniform(1.0, at.arguments.get("minval", -0.05)), "Defaultsto1forfloattypes"),
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
}  # fmt: skip


IN = r"k=\\frac\{%s\}\{C_\\text\{%s\}\*"


def of_pytorch(weight: DrawnWeight, side: Side) -> Documentation:
    """Return the documentation in the docstring of the function or the layer."""
    of_layer = PYTORCH_LAYERS.get(weight.called) or PYTORCH_LAYERS.get(f"{weight.case.name.split()[0]}.*")
    return documented(of_layer or INITIALIZERS[weight.called.split("(")[0]], weight, side)


def _gain(at: Situation) -> float:
    """Return the gain of leaky_relu with the slope a (nn.init.calculate_gain)."""
    return math.sqrt(2 / (1 + float(at.arguments.get("a", 0)) ** 2))


def _kaiming(family: str) -> Callable[[Situation], Distribution]:
    def draws(at: Situation) -> Distribution:
        n = formulas.average(at.fans, at.arguments.get("mode", "fan_in"))
        return formulas.of_deviation(_gain(at) / math.sqrt(n), family)

    return draws


def _trunc_normal(at: Situation) -> Distribution:
    """Return a normal distribution that is cut at a and b, which are not multiples of std."""
    deviation, a, b = (float(at.arguments[name]) for name in ("std", "a", "b"))
    if math.isclose(b, 2 * deviation) and math.isclose(a, -b):
        return distributions.truncated(deviation)
    assert b > 10 * deviation, "a different cut is not in this table"
    return distributions.normal(deviation)


def _root(k: Callable[[Any], float]) -> Callable[[Situation], Distribution]:
    """Return the rule U(-sqrt(k), sqrt(k))."""
    return lambda at: distributions.uniform(math.sqrt(k(at.arguments)))


def _shared(channels: str, *, grouped: bool) -> Callable[[Situation], Distribution]:
    """Return a rule with k = 1 (or the groups) over the channels of one side times the size of the kernel."""
    return _root(lambda a: (a.get("groups", 1) if grouped else 1) / float(a[channels] * a["kernel_size"] ** 2))


def _convolution(channels: str) -> list[FanRule]:
    """Return the rules of PyTorch 1.3 (without groups) and of later releases.

    The rule with the other side's channels is there for comparison.
    """
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


def _inverse(size: str) -> list[FanRule]:
    """Return the rule of layers whose weights depend on one of their sizes."""
    words = size.replace("_", r"\_")
    says = re.escape(rf"k=\frac{{1}}{{\text{{{words}}}}}")
    return [FanRule(f"limit = sqrt(1 / {size})", _root(lambda arguments: 1 / float(arguments[size])), says)]


ONE, ZERO = "setto1|initializedtoones|initializedto1", "setto0|zeros\\(forbiases\\)|initializedto0"
PYTORCH_LAYERS: dict[str, list[FanRule]] = {
    "Linear.*": _inverse("in_features"), "LSTM.*": _inverse("hidden_size"), "GRU.*": _inverse("hidden_size"),
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
    "orthogonal_": formulas.orthogonal(),
    "zeros_": formulas.constant(0, "scalarvalue`0`"), "ones_": formulas.constant(1, "scalarvalue`1`"),
}  # fmt: skip


def of_jax(weight: DrawnWeight, side: Side) -> Documentation:
    """Return the documentation in the docstring of the initializer.

    For flax' layers, which name an initializer in a field, it is flax' own.
    """
    name = weight.case.name.split("(")[0]
    rules = FLAX_LAYERS[weight.name] if weight.name else JAX_PLAIN.get(name) or _scaled(name)
    return documented(rules, weight, side)


def _scaled(name: str) -> list[FanRule]:
    """Return the rules of lecun_normal and the like, as JAX says them."""
    who, family = name.split("_")
    scale, mode = formulas.SCALES[who]
    drawn = "truncated_normal" if family == "normal" else family
    says = re.escape(f'``scale={scale:.1f}``,``mode="{mode}"``,and``distribution="{drawn}"``')
    return [rule._replace(says=rule.says and says) for rule in formulas.author(name)]


FLAX = "flax.linen's documentation: lecun_normal kernels, zero biases"
JAX_PLAIN: dict[str, list[FanRule]] = {
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
FLAX_LAYERS: dict[str, list[FanRule]] = {
    "kernel": [rule._replace(says="", source=FLAX) for rule in formulas.author("lecun_normal")],
    "embedding": [FanRule("normal, stddev = sqrt(1 / features)", lambda at: distributions.normal(at.shape[1] ** -0.5),
                       source="flax.linen.Embed's documentation")],
    "bias": formulas.constant(0), "scale": formulas.constant(1),
}  # fmt: skip
