"""A model as its library described it: layers in the order in which they run, weights, outputs.

Each model is built and inspected under its own interpreter.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from samebits.errors import NotFoundError, UsageError
from samebits_parity.layer_settings import in_words
from samebits_parity.sides import Side, run_script
from samebits_parity.weights.rules import REVERSE, Array

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
    """A layer.

    `number`: its place in the model; `roles`: role -> number of a weight; `refused`: why the weights cannot be carried;
    `whole`: whether a recurrent layer gives every step, None for other layers. Shapes are without the batch.
    """

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
    groups: int = 1
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
        """Return a text such as: A (PyTorch)."""
        return f"{self.side} ({TITLES[self.library]})"

    def weighted(self) -> list[Layer]:
        return [layer for layer in self.layers if layer.roles or layer.refused]


def read(answer: dict[str, Any], folder: Path, side: str, said: str) -> ModelFacts:
    """Return a model from what describe_model.py answered, and left in a folder."""
    outputs, arrays = (_loaded(folder / name) for name in ("outputs.npz", "weights.npz"))
    return ModelFacts(
        side=side,
        said=said,
        library=answer["library"],
        version=answer["version"],
        weights=tuple(ModelArray(one["name"], tuple(one["shape"]), one["dtype"]) for one in answer["weights"]),
        layers=tuple(_layer(number, entry, outputs) for number, entry in enumerate(answer["layers"])),
        inputs=tuple(answer["inputs"]),
        ran=answer["ran"],
        arrays={int(name[1:]): array for name, array in arrays.items()},
        outputs=outputs,
    )


def _loaded(path: Path) -> dict[str, Array]:
    with np.load(path) as saved:
        return {name: saved[name] for name in saved.files}


def _layer(number: int, entry: dict[str, Any], outputs: dict[str, Array]) -> Layer:
    same: dict[str, Any] = {
        name: entry[name] for name in ("name", "kind", "roles", "refused", "whole", "channels_first") if name in entry
    }
    for name in ("input_shape", "output_shape"):
        same[name] = tuple(entry[name]) if entry[name] is not None else None
    return Layer(
        number=number,
        of_class=entry["class"],
        settings=in_words(entry["type"], entry["settings"]),
        groups=entry["settings"].get("groups", 1),
        both_directions=entry.get("both_directions", False) or any(role.endswith(REVERSE) for role in entry["roles"]),
        has_output=str(number) in outputs,
        **same,
    )


SCRIPT = Path(__file__).parent / "scripts" / "describe_model.py"
SAVED = (".keras", ".h5", ".hdf5")
# the first that is not a size in the model, so that the axis of the batch can be recognised
BATCHES = (5, 7, 3, 11, 13)
CHANNELS = ("convolution", "depthwise", "separable", "transposed", "max_pool", "average_pool")


@dataclass(frozen=True)
class ModelRequest:
    """A model as a user names it: FILE.py:FUNCTION, or a saved Keras model; and the interpreter it is built under."""

    side: str
    words: str
    path: Path
    function: str | None
    python: str
    backend: str | None

    def library(self) -> Side:
        """Return what runs the scripts. The model shows which library it is."""
        variables = {"KERAS_BACKEND": self.backend} if self.backend else {}
        return Side(f"{self.side} ({self.words})", "pytorch", "", (), variables, self.python)


def asked(side: str, words: str, python: str | None, backend: str | None) -> ModelRequest:
    """Return a model from the words of the command line.

    `python`: None for the one that runs samebits. Raises UsageError, NotFoundError.
    """
    path, colon, function = words.rpartition(":")
    if words.endswith(SAVED):
        path, function = words, ""
    elif not colon or not path.endswith(".py") or not function:
        what = f"{side}: {words} is not a model." if words else f"{side} names no model."
        raise UsageError(what, "Give FILE.py:FUNCTION (it returns the model), or a .keras or .h5 file.")
    if not Path(path).is_file():
        raise NotFoundError(
            f"{side}: the file {path} does not exist.", "Give FILE.py:FUNCTION, or a .keras or .h5 file."
        )
    return ModelRequest(side, words, Path(path).resolve(), function or None, python or sys.executable, backend)


@dataclass(frozen=True)
class Inputs:
    """The inputs of both models. `arrays`: in Keras' order of axes; `layouts`: the orders that PyTorch should try."""

    file: Path
    arrays: tuple[Array, ...]
    layouts: list[list[list[int]]]


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """What a model needs to be built and run.

    `shapes`: of Keras' inputs; `load`: weights by number; `h5`: a file of weights that Keras itself reads.
    """

    seed: int
    shapes: list[list[int]] | None = None
    inputs: Inputs | None = None
    load: Path | None = None
    h5: Path | None = None


def look(which: ModelRequest, folder: Path, given: BuildInputs) -> ModelFacts:
    """Build a model, load weights into it, run it. `folder`: for its files. Raises UsageError, NotFoundError,
    LibraryFailure."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs, load = given.inputs, given.load
    request: dict[str, Any] = {
        "path": str(which.path), "function": which.function, "seed": given.seed, "shapes": given.shapes,
        "inputs": str(inputs.file) if inputs else None, "layouts": inputs.layouts if inputs else None,
        "load": str(load) if load else None, "h5": str(given.h5) if given.h5 else None, "exact": load is not None,
    }  # fmt: skip
    answer = run_script(which.library(), SCRIPT, request, folder)
    if "error" in answer:
        raise UsageError(f"{which.side}: {answer['error']['what']}", answer["error"]["advice"])
    return read(answer, folder, which.side, which.words)


def make_inputs(keras: ModelFacts, folder: Path, seed: int) -> Inputs:
    """Return random inputs for a Keras model: normal numbers, or whole numbers below the size of an embedding."""
    generator = np.random.default_rng(seed)
    sizes = {size for entry in keras.inputs for size in entry["shape"]}
    sizes |= {size for layer in keras.layers for size in layer.output_shape or ()}
    batch = next((size for size in BATCHES if size not in sizes), BATCHES[-1])
    arrays = []
    for entry in keras.inputs:
        shape, below = (batch, *entry["shape"]), entry["below"]
        drawn = generator.integers(0, below, shape) if below else generator.standard_normal(shape)
        arrays.append(drawn.astype(entry["dtype"]))
    file = folder / "inputs.npz"
    np.savez(file, **{f"i{number}": array for number, array in enumerate(arrays)})  # type: ignore[arg-type]
    return Inputs(file, tuple(arrays), _layouts(keras, [array.ndim for array in arrays]))


def _layouts(keras: ModelFacts, ranks: list[int]) -> list[list[list[int]]]:
    """Return the orders of the axes in which PyTorch may want the inputs.

    The likeliest comes first: channels moved, the same, time first.
    """
    moved = [[0, rank - 1, *range(1, rank - 1)] if rank > 2 else list(range(rank)) for rank in ranks]
    plain = [list(range(rank)) for rank in ranks]
    time = [[1, 0, *range(2, rank)] if rank > 1 else [0] for rank in ranks]
    first = next((layer for layer in keras.layers if layer.kind in CHANNELS or layer.roles), None)
    channels_last = first is not None and first.kind in CHANNELS and not first.channels_first
    found = [moved, plain, time] if channels_last or (first is None and max(ranks) > 3) else [plain, moved, time]
    return [layout for place, layout in enumerate(found) if layout not in found[:place]]
