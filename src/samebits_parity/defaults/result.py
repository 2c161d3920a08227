"""The document of `samebits parity defaults --json`.

A table names the classes that are counterparts, and which of their parameters stand side by side. It has only names:
parameters and their defaults are read from the installed libraries.
"""

from __future__ import annotations

import ast
from typing import Literal

from samebits.documents import AnyNumber, Document
from samebits_parity.layer_settings import NAMES
from samebits_parity.options import Group
from samebits_parity.report import Agreement
from samebits_parity.sides import Family, Side

Status = Literal["measured", "none", "failed"]


class Measurement(Document):
    """One behaviour of one library.

    `numbers`: what was measured; `meaning`: an id of the table, the computed value, or a text that begins with
    "unknown"; null if nothing was measured. `words`: the meaning, or why there is none.
    """

    behaviour: str
    library: str
    version: str
    status: Status
    numbers: list[AnyNumber]
    meaning: str | None
    words: str
    number: AnyNumber | None


class BehaviourComparison(Document):
    """A behaviour over all libraries. `differs`: null if fewer than two libraries have it."""

    behaviour: str
    group: Group
    words: str
    differs: bool | None


class Parameter(Document):
    """`row`: the name under which parameters of several libraries stand side by side; `default`: as Python writes it,
    null if a value has to be given.
    """

    name: str
    row: str
    default: str | None


class Signature(Document):
    """The signature of a class, read from the installed library."""

    name: str
    group: Group
    library: str
    path: str
    parameters: list[Parameter]


class Defaults(Document):
    """The whole result. `versions`: of the libraries that were measured."""

    format: int = 1
    samebits: str
    created: str
    verdict: Agreement
    sentence: str
    versions: dict[str, str]
    behaviours: list[BehaviourComparison]
    measured: list[Measurement]
    signatures: list[Signature]
    notes: list[str]

    def of(self, behaviour: str, library: str) -> Measurement | None:
        """Return what a library does."""
        return next((one for one in self.measured if (one.behaviour, one.library) == (behaviour, library)), None)


# name -> (group, below keras, below torch, below optax or flax)
COUNTERPARTS: dict[str, tuple[Group, str, str, str]] = {
    **{name: ("optimizers", f"optimizers.{name}", f"optim.{name}", f"optax.{name.lower()}")
       for name in ("Adam", "AdamW", "Adamax", "SGD", "RMSprop", "Adagrad", "Adadelta")},
    "Mean squared error": ("losses", "losses.MeanSquaredError", "nn.MSELoss", "optax.l2_loss"),
    "Huber": ("losses", "losses.Huber", "nn.HuberLoss", "optax.huber_loss"),
    "Binary cross entropy": ("losses", "losses.BinaryCrossentropy", "nn.BCELoss", "optax.sigmoid_binary_cross_entropy"),
    "Categorical cross entropy": (
        "losses", "losses.CategoricalCrossentropy", "nn.CrossEntropyLoss", "optax.softmax_cross_entropy"),
    "KL divergence": ("losses", "losses.KLDivergence", "nn.KLDivLoss", "optax.kl_divergence"),
    "Poisson": ("losses", "losses.Poisson", "nn.PoissonNLLLoss", "optax.poisson_nll_loss"),
    "Dense": ("layers", "layers.Dense", "nn.Linear", "flax.linen.Dense"),
    "Convolution": ("layers", "layers.Conv2D", "nn.Conv2d", "flax.linen.Conv"),
    "Transposed convolution": ("layers", "layers.Conv2DTranspose", "nn.ConvTranspose2d", "flax.linen.ConvTranspose"),
    "Max pooling": ("layers", "layers.MaxPooling2D", "nn.MaxPool2d", "flax.linen.max_pool"),
    "Average pooling": ("layers", "layers.AveragePooling2D", "nn.AvgPool2d", "flax.linen.avg_pool"),
    "Batch norm": ("layers", "layers.BatchNormalization", "nn.BatchNorm2d", "flax.linen.BatchNorm"),
    "Layer norm": ("layers", "layers.LayerNormalization", "nn.LayerNorm", "flax.linen.LayerNorm"),
    "Embedding": ("layers", "layers.Embedding", "nn.Embedding", "flax.linen.Embed"),
    "Dropout": ("layers", "layers.Dropout", "nn.Dropout", "flax.linen.Dropout"),
    "Leaky ReLU": ("layers", "layers.LeakyReLU", "nn.LeakyReLU", "jax.nn.leaky_relu"),
    "Upsampling": ("layers", "layers.UpSampling2D", "nn.Upsample", "jax.image.resize"),
}  # fmt: skip
PLACE: dict[Family, int] = {"keras2": 1, "keras3": 1, "tfkeras": 1, "pytorch": 2, "jax": 3, "flax": 3}
# parameters of one meaning under several names: those of layers, and more
ROWS = {name: row for row, names in NAMES.items() for name in names} | {
    "stride": "stride", "strides": "stride", "lr": "learning rate", "learning_rate": "learning rate",
    "beta_1": "betas", "beta_2": "betas", "b1": "betas", "b2": "betas",
    "alpha": "rho or alpha", "rho": "rho or alpha", "decay": "rho or alpha", "beta": "delta",
    "initial_accumulator_value": "first sum of squares", "weight_decay": "weight decay", "bias": "use of a bias",
    "use_bias": "use of a bias", "scale_factor": "size", "window_shape": "size", "mode": "interpolation",
    "rate": "share dropped", "p": "share dropped", "units": "outputs", "filters": "outputs", "out_features": "outputs",
    "out_channels": "outputs", "output_dim": "outputs", "embedding_dim": "outputs", "features": "outputs",
}  # fmt: skip
OF_CLASSES = {
    ("Leaky ReLU", "alpha"): "slope", ("SGD", "decay"): "decay of the rate", ("Adam", "decay"): "decay of the rate",
}  # fmt: skip


def asked(side: Side, groups: tuple[Group, ...]) -> dict[str, str]:
    """Return {name: path in the library} of the classes whose signatures a script reads."""
    return {name: row[PLACE[side.family]] for name, row in COUNTERPARTS.items() if row[0] in groups}


def read(side: Side, answered: dict[str, list[list[str | None]] | None]) -> list[Signature]:
    """Return the signatures from a script's answer. A class that the library does not have is left out."""
    return [
        Signature(
            name=name,
            group=COUNTERPARTS[name][0],
            library=side.id,
            path=COUNTERPARTS[name][PLACE[side.family]],
            parameters=[_parameter(name, str(key), default) for key, default in rows],
        )
        for name, rows in answered.items()
        if rows is not None
    ]


def _parameter(of: str, name: str, default: str | None) -> Parameter:
    return Parameter(name=name, row=OF_CLASSES.get((of, name)) or ROWS.get(name, name), default=default)


def cell(parameters: list[Parameter]) -> str | None:
    """Return the parameters of one row, as they are written in a call; None if there are none."""
    return ", ".join(one.name if one.default is None else f"{one.name}={one.default}" for one in parameters) or None


def values(parameters: list[Parameter]) -> tuple[object, ...]:
    """Return the default values of one row, flat: (0.9, 0.999) for two parameters, and for one that is a pair."""
    each = [_value(one.default) for one in parameters]
    return tuple(part for value in each for part in (value if isinstance(value, tuple) else (value,)))


def _value(text: str | None) -> object:
    """Return a value that can be compared: a number whatever its notation, else a text.

    A value that has to be given is `...`.
    """
    try:
        return ast.literal_eval(text) if text is not None else ...
    except (ValueError, SyntaxError):
        return text
