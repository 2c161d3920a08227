"""The cases of `parity init`: initializers, and the default weights of layers.

A case names an initializer or a layer by its path in the library. A script that does not import samebits draws the
weights, under the library's interpreter. The shapes distinguish fan-in from fan-out. Every kernel has more than 100,000
values, so that one draw decides, and no number of channels is a multiple of another one.

Fan-in is the number of inputs of one output. Fan-out is the number of outputs that one input goes into. Strides are
taken as one. `order`: whether the channels of a kernel come last (Keras, JAX) or first (PyTorch).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samebits_parity.sides import Side, run_script

__all__ = ["ordinary_fans"]

Layout = Literal["dense", "convolution", "transposed", "depthwise", "vector"]
Order = Literal["last", "first"]


class Fans(NamedTuple):
    """`into`: fan-in; `out`: fan-out."""

    into: float
    out: float

    @property
    def swapped(self) -> Fans:
        """Fan-in and fan-out, swapped."""
        return Fans(self.out, self.into)


def ordinary_fans(shape: tuple[int, ...], order: Order) -> Fans:
    """Return the fans of a shape, read as the kernel of a dense layer or of an ordinary convolution."""
    if len(shape) < 2:
        return Fans(math.prod(shape), math.prod(shape))
    if order == "first":
        (out, into), window = shape[:2], math.prod(shape[2:])
    else:
        (into, out), window = shape[-2:], math.prod(shape[:-2])
    return Fans(window * into, window * out)


def fans_of_layer(shape: tuple[int, ...], layout: Layout, order: Order, groups: int = 1) -> Fans:
    """Return the fans of a kernel in its layer. `groups`: of the channels; PyTorch's kernels do not show them."""
    fans = ordinary_fans(shape, order)
    if len(shape) < 2:
        return fans
    if layout == "transposed":
        return fans.swapped
    if layout == "depthwise":
        return Fans(fans.into, fans.out / groups) if order == "first" else Fans(fans.into / shape[-2], fans.out)
    return fans


MANY = 2**19  # values from a normal distribution, which only the deviation identifies
BIAS = 64  # draws of a random bias
CHANNELS, MULTIPLIER = 3700, 4  # of the depthwise convolution


class Case(NamedTuple):
    """One initializer or layer.

    `path`: its place in the library. `arguments`: for making it. `shape`: of the tensor, or of the layer's input.
    `size`: an initializer draws until it has so many values; a layer is built so many times.
    """

    name: str
    path: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    layout: Layout
    layer: bool = False
    size: int = 1
    groups: int = 1


Shapes = dict[Layout, tuple[int, ...]]
LAST: Shapes = {
    "dense": (250, 530), "convolution": (3, 3, 60, 250), "transposed": (3, 3, 250, 60),
    "depthwise": (3, 3, CHANNELS, MULTIPLIER),
}  # fmt: skip
FIRST: Shapes = {
    "dense": (530, 250), "convolution": (250, 60, 3, 3), "transposed": (60, 250, 3, 3),
    "depthwise": (CHANNELS * MULTIPLIER, 1, 3, 3),
}  # fmt: skip
SQUARE = (360, 370)
DENSE = ((250, 530), (530, 250))  # inputs and outputs of layers
KERNELS = ((60, 250), (250, 60))
SCALED = [f"{author}_{family}" for author in ("glorot", "he", "lecun") for family in ("uniform", "normal")]


def order(side: Side) -> Order:
    """Return whether the channels of the library's kernels come first or last."""
    return "first" if side.family == "pytorch" else "last"


def _layer(kind: str, layout: Layout, shape: tuple[int, ...], *, package: str = "layers", **arguments: Any) -> Case:
    return Case(kind, f"{package}.{kind}", arguments, shape, layout, layer=True)


def _keras() -> list[Case]:
    return [*_keras_initializers(""), *_keras_layers()]


def _keras_initializers(prefix: str) -> list[Case]:
    """Return the initializers. `prefix`: `tf.` for TensorFlow's own."""
    cases = [
        Case(f"{prefix}{name}", f"{prefix}initializers.{name}", {}, shape, layout)
        for name in SCALED
        for layout, shape in LAST.items()
    ]
    plain = {
        "random_uniform": "RandomUniform", "random_normal": "RandomNormal", "truncated_normal": "TruncatedNormal",
        "orthogonal": "Orthogonal", "zeros": "Zeros", "ones": "Ones",
    }  # fmt: skip
    for name, kind in plain.items():
        size = MANY if name == "random_normal" else 1
        path = f"{prefix}initializers.{kind}|{prefix}initializers.{name}"
        cases.append(Case(f"{prefix}{name}", path, {}, SQUARE, "dense", size=size))
    path = f"{prefix}initializers.Orthogonal|{prefix}initializers.orthogonal"
    return [*cases, Case(f"{prefix}orthogonal", path, {}, LAST["convolution"], "convolution")]


def _keras_layers() -> list[Case]:
    kernels: tuple[tuple[str, Layout], ...] = (("Conv2D", "convolution"), ("Conv2DTranspose", "transposed"))
    return [
        *(_layer("Dense", "dense", (into,), units=out) for into, out in DENSE),
        *(_layer(kind, layout, (8, 8, into), filters=out, kernel_size=3)
          for kind, layout in kernels for into, out in KERNELS),
        _layer("DepthwiseConv2D", "depthwise", (4, 4, CHANNELS), kernel_size=3, depth_multiplier=MULTIPLIER),
        _layer("DepthwiseConv2D", "depthwise", (4, 4, 1800), kernel_size=3, depth_multiplier=8),
        _layer("Embedding", "dense", (7,), input_dim=4000, output_dim=33),
        *(_layer(kind, "dense", (5, 190), units=180) for kind in ("LSTM", "GRU")),
        *(_layer(kind, "vector", (700,)) for kind in ("BatchNormalization", "LayerNormalization")),
    ]  # fmt: skip


def _keras2() -> list[Case]:
    """Return the cases of Keras 2.3.1, and of the initializers of the TensorFlow that it runs on."""
    return [*_keras(), *_keras_initializers("tf.")]


def _pytorch() -> list[Case]:
    scaled = [
        Case(name, f"nn.init.{name}", {}, shape, layout, size=MANY if "normal" in name else 1, groups=groups)
        for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_")
        for layout, shape in FIRST.items()
        for groups in (CHANNELS if layout == "depthwise" else 1,)
    ]
    given: list[tuple[str, dict[str, Any]]] = [
        ("uniform_", {}), ("normal_", {}), ("trunc_normal_", {}), ("trunc_normal_", {"std": 0.02}),
        ("kaiming_uniform_", {"a": 5**0.5}), ("kaiming_uniform_", {"mode": "fan_out"}), ("orthogonal_", {}),
        ("zeros_", {}), ("ones_", {}),
    ]  # fmt: skip
    plain = [
        Case(
            _called(name, given), f"nn.init.{name}", given, FIRST["dense"], "dense", size=MANY if "norm" in name else 1
        )
        for name, given in given
    ]
    return [*scaled, *plain, Case("orthogonal_", "nn.init.orthogonal_", {}, FIRST["convolution"], "convolution"),
            *_pytorch_layers()]  # fmt: skip


def _called(name: str, arguments: dict[str, Any]) -> str:
    words = ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in arguments.items()
    )
    return f"{name}({words})" if words else name


def _pytorch_layers() -> list[Case]:
    def layer(kind: str, layout: Layout, size: int = BIAS, **given: Any) -> Case:
        return Case(kind, f"nn.{kind}", given, (), layout, layer=True, size=size)

    kernels: tuple[tuple[str, Layout], ...] = (("Conv2d", "convolution"), ("ConvTranspose2d", "transposed"))
    depthwise = layer("Conv2d", "depthwise", 1, in_channels=CHANNELS, out_channels=CHANNELS * MULTIPLIER,
                      kernel_size=3, groups=CHANNELS)  # fmt: skip
    return [
        *(layer("Linear", "dense", in_features=into, out_features=out) for into, out in DENSE),
        *(layer(kind, layout, in_channels=into, out_channels=out, kernel_size=3)
          for kind, layout in kernels for into, out in KERNELS),
        depthwise._replace(name="Conv2d depthwise", groups=CHANNELS),
        layer("Embedding", "dense", 4, num_embeddings=4000, embedding_dim=33),
        *(layer(kind, "dense", 16, input_size=190, hidden_size=180) for kind in ("LSTM", "GRU")),
        layer("BatchNorm2d", "vector", 1, num_features=700),
        layer("LayerNorm", "vector", 1, normalized_shape=700),
    ]  # fmt: skip


def _jax() -> list[Case]:
    shapes: list[tuple[Layout, dict[str, Any]]] = [
        ("dense", {}), ("convolution", {}), ("transposed", {"in_axis": -1, "out_axis": -2}),
    ]  # fmt: skip
    scaled = [
        Case(_called(name, given), f"nn.initializers.{name}", given, LAST[layout], layout)
        for name in SCALED
        for layout, given in shapes
    ]
    names = ("uniform", "normal", "truncated_normal", "orthogonal", "zeros", "ones")
    plain = [
        Case(name, f"nn.initializers.{name}", {}, SQUARE, "dense", size=MANY if name == "normal" else 1)
        for name in names
    ]
    return [*scaled, *plain]


def _flax() -> list[Case]:
    """Return the default weights of flax' layers; its initializers are those of JAX."""
    layer = partial(_layer, package="linen")
    return [
        *(layer("Dense", "dense", (into,), features=out) for into, out in DENSE),
        *(layer("Conv", "convolution", (4, 4, into), features=out, kernel_size=[3, 3]) for into, out in KERNELS),
        # in its kernel the inputs come before the outputs, as in an ordinary convolution
        layer("ConvTranspose", "convolution", (4, 4, 60), features=250, kernel_size=[3, 3]),
        layer("Embed", "dense", (7,), num_embeddings=4000, features=33),
        layer("LayerNorm", "vector", (700,)),
    ]


MAKERS = {"keras2": _keras2, "keras3": _keras, "tfkeras": _keras, "pytorch": _pytorch, "jax": _jax, "flax": _flax}

SCRIPT = Path(__file__).parents[1] / "scripts" / "sampler.py"
SEED = 2019  # the paper's


class DrawnWeight(NamedTuple):
    """A weight as it was drawn.

    `name`: in the layer, empty for an initializer. `doc`: the docstring of the initializer or layer. `defaults`: from
    its signature. `draws`: float32, of shape (draws, *shape).
    """

    case: Case
    name: str
    doc: str
    defaults: dict[str, Any]
    draws: NDArray[Any]

    @property
    def called(self) -> str:
        """Dense.kernel; glorot_uniform"""
        return f"{self.case.name}.{self.name}" if self.name else self.case.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one draw."""
        return self.draws.shape[1:]


class Draws(NamedTuple):
    """The weights that a library drew. `absent`: cases that the library does not have. `failed`: (case, why)."""

    side: Side
    version: str
    weights: list[DrawnWeight]
    absent: list[str]
    failed: list[tuple[str, str]]


def draw(side: Side, folder: Path) -> Draws:
    """Draw every case. `folder`: for the arrays. Raises NotFoundError, LibraryFailure."""
    asked = MAKERS[side.family]()
    request = {"cases": [case._asdict() for case in asked], "seed": SEED}
    answer = run_script(side, SCRIPT, request, folder)
    pairs = list(zip(asked, answer["cases"], strict=True))
    return Draws(
        side=side,
        version=answer["version"],
        weights=[weight for case, given in pairs for weight in _weights(case, given)],
        absent=sorted({case.name for case, given in pairs if given.get("absent")}),
        failed=[(case.name, given["error"]) for case, given in pairs if "error" in given],
    )


def _weights(case: Case, given: dict[str, Any]) -> Iterator[DrawnWeight]:
    for weight in given.get("weights", ()):
        yield DrawnWeight(case, weight["name"], given["doc"], given["defaults"], np.load(weight["file"], mmap_mode="r"))
