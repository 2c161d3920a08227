"""Weights of one model moved to another: looked at, paired, carried, written, and compared by outputs."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from samebits.errors import UsageError
from samebits_parity.weights import conversion, description, files, verification
from samebits_parity.weights.conversion import Conversion, Numbered
from samebits_parity.weights.description import BuildInputs, Inputs, ModelRequest, look
from samebits_parity.weights.models import TITLES, ModelFacts
from samebits_parity.weights.pairs import LayerPairs, pair
from samebits_parity.weights.verification import OutputGap


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """`weights`: a file of A's, None for those that it was built with; `shapes`: of Keras' inputs, None: its own."""

    a: ModelRequest
    b: ModelRequest
    weights: Path | None
    out: Path
    shapes: list[list[int]] | None
    seed: int


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What was found. `source`, `target`: A and B as first looked at; `keras`, `pytorch`: the two after their weights
    were made equal; `filled`: arrays of one number only, for which others stood in as outputs were compared."""

    source: ModelFacts
    target: ModelFacts
    keras: ModelFacts
    pytorch: ModelFacts
    pairing: LayerPairs
    carried: Conversion
    layers: tuple[OutputGap, ...]
    whole_model: OutputGap | None
    inputs: Inputs
    filled: int
    out: Path | None
    complete: bool


def move(wanted: TransferRequest) -> Transfer:
    """Carry A's weights to B, write them, compare the two. Raises UsageError, NotFound, DataError, LibraryFailure."""
    with tempfile.TemporaryDirectory(prefix="samebits-weights-") as folder:
        place = Path(folder)
        a, b, inputs = _both(wanted, place)
        pairing = pair(*_keras_first(a, b))
        carried = conversion.carry(pairing.pairs, a, b, a.arrays)
        out, complete = _write(wanted.out, b, carried)
        return _compared(wanted, place, (a, b, pairing, carried, inputs), (out, complete))


def _keras_first(a: ModelFacts, b: ModelFacts) -> tuple[ModelFacts, ModelFacts]:
    return (a, b) if a.library == "keras" else (b, a)


def _both(wanted: TransferRequest, place: Path) -> tuple[ModelFacts, ModelFacts, Inputs]:
    """A and B, and the inputs of both: Keras says what goes in, so PyTorch's is run after it."""
    h5 = wanted.weights.resolve() if wanted.weights and wanted.weights.suffix in files.KERAS else None
    given = BuildInputs(seed=wanted.seed, shapes=wanted.shapes)
    a = look(wanted.a, place / "a", replace(given, h5=h5))
    if h5 and a.library != "keras":
        raise UsageError(f"PyTorch does not read {h5.name}.", "Name a .npz or .safetensors file.")
    inputs = description.make_inputs(a, place, wanted.seed) if a.library == "keras" else None
    b = look(wanted.b, place / "b", replace(given, inputs=inputs))
    if a.library == b.library:
        title = TITLES[a.library]
        raise UsageError(f"A and B are both models of {title}.", "Weights are carried between Keras and PyTorch.")
    if inputs is None:
        inputs = description.make_inputs(b, place, wanted.seed)
        a = look(wanted.a, place / "a", replace(given, inputs=inputs))
    _refuse_empty(a, b)
    if wanted.weights and not h5:
        a = replace(a, arrays={**a.arrays, **files.given(wanted.weights, a)})
    return a, b, inputs


def _refuse_empty(a: ModelFacts, b: ModelFacts) -> None:
    for model in (a, b):
        if not model.weights:
            raise UsageError(f"{model.title} has no weights: {model.said}.", "There is nothing to carry.")


def _write(out: Path, target: ModelFacts, carried: Conversion) -> tuple[Path | None, bool]:
    """(the file, whether it holds every weight): B's own names; counters, which no library compares, as B has them."""
    if not carried.arrays:
        return None, False
    arrays = dict(carried.arrays)
    for number, weight in enumerate(target.weights):
        if weight.name.endswith("num_batches_tracked"):
            arrays[number] = target.arrays[number]
    files.save(out, {target.weights[number].name: array for number, array in sorted(arrays.items())})
    return out, len(arrays) == len(target.weights)


def _compared(
    wanted: TransferRequest,
    place: Path,
    found: tuple[ModelFacts, ModelFacts, LayerPairs, Conversion, Inputs],
    written: tuple[Path | None, bool],
) -> Transfer:
    a, b, pairing, carried, inputs = found
    telling, filled = conversion.telling(pairing.pairs, a, b, wanted.seed)
    ran_a, ran_b = a, b
    if pairing.pairs:
        sent = conversion.carry(pairing.pairs, a, b, telling).arrays
        given = BuildInputs(seed=wanted.seed, shapes=wanted.shapes, inputs=inputs)
        loads = (_kept(place / "a.npz", telling), _kept(place / "b.npz", sent))
        with ThreadPoolExecutor(2) as both:  # each waits for a process of its own
            ran_a, ran_b = both.map(
                lambda which, name, load: look(which, place / name, replace(given, load=load)),
                (wanted.a, wanted.b), ("a2", "b2"), loads,
            )  # fmt: skip
    keras, pytorch = _keras_first(ran_a, ran_b)
    ran = pairing.pairs and not (keras.ran or pytorch.ran)
    return Transfer(
        source=a, target=b, keras=keras, pytorch=pytorch, pairing=pairing, carried=carried,
        layers=tuple(verification.compare_layers(pairing.pairs, keras, pytorch)) if ran else (),
        whole_model=verification.compare_models(pairing.pairs, keras, pytorch) if ran else None,
        inputs=inputs, filled=filled, out=written[0], complete=written[1],
    )  # fmt: skip


def _kept(path: Path, arrays: Numbered) -> Path:
    np.savez(path, **{f"w{number}": array for number, array in arrays.items()})  # type: ignore[arg-type]
    return path
