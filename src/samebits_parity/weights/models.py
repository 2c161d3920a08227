"""A model as its library described it: layers in the order in which they run, weights, outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from samebits_parity.weights.rules import Array

Library = Literal["keras", "pytorch"]
Shape = tuple[int | None, ...]
TITLES: dict[Library, str] = {"keras": "Keras", "pytorch": "PyTorch"}


@dataclass(frozen=True)
class ModelArray:
    """An array of a model, by the library's own name."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer. `number`: its place in the model; `roles`: the numbers of its weights by what they are for;
    `refused`: why they cannot be carried; `whole`: whether a recurrent layer gives every step, None for others.
    Shapes are without the batch."""

    number: int
    name: str
    kind: str
    of_class: str
    settings: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, int] = field(default_factory=dict)
    input_shape: Shape | None = None
    output_shape: Shape | None = None
    refused: str = ""
    both_directions: bool = False
    whole: bool | None = None
    channels_first: bool = False
    has_output: bool = True


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A model. `arrays`: its weights by their numbers; `outputs`: by the numbers of layers, and `model`; `.exact` at
    the end of a name is float64, `.last` the last step of a recurrent layer. `ran`: why it could not run, or None."""

    side: str
    said: str
    library: Library
    version: str
    weights: tuple[ModelArray, ...]
    layers: tuple[Layer, ...]
    inputs: tuple[dict[str, Any], ...] = ()
    ran: str | None = None
    arrays: dict[int, Array] = field(default_factory=dict)
    outputs: dict[str, Array] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A (PyTorch)"""
        return f"{self.side} ({TITLES[self.library]})"

    def weighted(self) -> list[Layer]:
        return [layer for layer in self.layers if layer.roles or layer.refused]

    def of(self, layer: Layer) -> dict[str, Array]:
        """The arrays of a layer by their roles."""
        return {role: self.arrays[number] for role, number in layer.roles.items()}


def read(answer: dict[str, Any], folder: Path, side: str, said: str) -> ModelFacts:
    """A model from what describe_model.py answered, and left in a folder."""
    weights = tuple(ModelArray(entry["name"], tuple(entry["shape"]), entry["dtype"]) for entry in answer["weights"])
    outputs = _loaded(folder / "outputs.npz")
    return ModelFacts(
        side=side,
        said=said,
        library=answer["library"],
        version=answer["version"],
        weights=weights,
        layers=tuple(_layer(number, entry, outputs) for number, entry in enumerate(answer["layers"])),
        inputs=tuple(answer["inputs"]),
        ran=answer["ran"],
        arrays={int(name[1:]): array for name, array in _loaded(folder / "weights.npz").items()},
        outputs=outputs,
    )


def _loaded(path: Path) -> dict[str, Array]:
    with np.load(path) as saved:
        return {name: saved[name] for name in saved.files}


def _layer(number: int, entry: dict[str, Any], outputs: dict[str, Array]) -> Layer:
    shapes = {name: tuple(entry[name]) if entry[name] is not None else None for name in ("input_shape", "output_shape")}
    return Layer(
        number=number,
        name=entry["name"],
        kind=entry["kind"],
        of_class=entry["class"],
        settings=entry["settings"],
        roles=entry["roles"],
        input_shape=shapes["input_shape"],
        output_shape=shapes["output_shape"],
        refused=entry["refused"],
        both_directions=entry.get("both_directions", False)
        or any(role.endswith("_reverse") for role in entry["roles"]),
        whole=entry.get("whole"),
        channels_first=entry.get("channels_first", False),
        has_output=str(number) in outputs,
    )
