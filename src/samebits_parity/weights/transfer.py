"""Moves weights of one model to another: inspects both, pairs layers, converts and writes the weights, and compares the
outputs.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from samebits.errors import UsageError
from samebits_parity.weights import files, models, verification
from samebits_parity.weights.counterparts import NORMALIZATIONS, LayerPart, Shapes, neutral_array, shapes_after
from samebits_parity.weights.models import TITLES, BuildInputs, Inputs, ModelFacts, ModelRequest, look
from samebits_parity.weights.pairs import LayerPair, LayerPairs, pair_layers
from samebits_parity.weights.rules import REVERSE, Array, Arrays
from samebits_parity.weights.verification import OutputGap

T = TypeVar("T")
Numbered = dict[int, Array]
POSITIVE = ("gamma", "variance", "running_var")


@dataclass
class Conversion:
    """`arrays`: by the numbers of the target's weights; `lost`: (pair, what has no place in the target); `notes`: what
    was made up or rounded.
    """

    arrays: Numbered = field(default_factory=dict)
    lost: list[tuple[LayerPair, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def carry(pairs: tuple[LayerPair, ...], source: ModelFacts, target: ModelFacts, arrays: Numbered) -> Conversion:
    """Return the new weights of the target. `arrays`: the source's, by number."""
    done = Conversion()
    for pair in pairs:
        _carry_pair(done, pair, (source, target), arrays)
    return done


def _ends(pair: LayerPair, source: ModelFacts) -> tuple[LayerPart, LayerPart]:
    return (pair.keras, pair.pytorch) if source.library == "keras" else (pair.pytorch, pair.keras)


def _carry_pair(done: Conversion, pair: LayerPair, models: tuple[ModelFacts, ModelFacts], arrays: Numbered) -> None:
    source, target = models
    ours, theirs = _ends(pair, source)
    there, back = pair.rule.to_pytorch, pair.rule.to_keras
    if source.library == "pytorch":
        there, back = back, there
    given = {role: arrays[number] for role, number in ours.roles.items()}
    implied = shapes_after(back, theirs.shapes(target)) or {}
    surplus = [role for role in given if role not in implied and not _says_nothing(role, given[role], ours)]
    if surplus:
        done.lost.append((pair, f"{', '.join(surplus)}: {source.side} has it, {target.side} does not"))
    made = there({role: array for role, array in given.items() if role in implied} | _made_up(given, implied))
    for role, number in theirs.roles.items():
        if role in made:
            done.arrays[number] = _as(target.weights[number].dtype, made[role], theirs.name, done)
    lacking = [role for role in implied if role not in given]
    if lacking:
        done.notes.append(f"{ours.name} has no {', '.join(lacking)}: {theirs.name} gets the neutral value.")


def _says_nothing(role: str, array: Array, part: LayerPart) -> bool:
    name = "gamma" if part.kind in NORMALIZATIONS and role == "weight" else role
    return bool((array == neutral_array(name, array.shape, str(array.dtype))).all())


def _made_up(given: Arrays, implied: Shapes) -> Arrays:
    dtype = str(next(iter(given.values())).dtype)
    return {role: neutral_array(role, shape, dtype) for role, shape in implied.items() if role not in given}


def _as(dtype: str, array: Array, name: str, done: Conversion) -> Array:
    if str(array.dtype) != dtype:
        note = f"{name} is of {dtype}, and its new values are {array.dtype}: they were converted."
        if note not in done.notes:
            done.notes.append(note)
    return np.ascontiguousarray(array.astype(dtype))


def telltale_weights(
    pairs: tuple[LayerPair, ...], source: ModelFacts, target: ModelFacts, seed: int
) -> tuple[Numbered, int]:
    """Return the source's weights for the comparison of outputs, and how many of the arrays got random numbers.

    If all values of an array are the same number (zero biases, fresh moving averages), it cannot show whether it was
    carried to the right place. Random numbers replace it.
    """
    generator = np.random.default_rng(seed)
    arrays, changed = dict(source.arrays), 0
    for pair in pairs:
        ours, theirs = _ends(pair, source)
        back = pair.rule.to_keras if source.library == "keras" else pair.rule.to_pytorch
        implied = shapes_after(back, theirs.shapes(target)) or {}
        for role, number in ours.roles.items():
            array = arrays[number]
            if role in implied and array.size and (array == array.ravel()[0]).all():
                arrays[number] = _drawn(generator, array, positive=_positive(role, ours))
                changed += 1
    return arrays, changed


def _positive(role: str, part: LayerPart) -> bool:
    return role.removesuffix(REVERSE) in POSITIVE or (part.kind in NORMALIZATIONS and role == "weight")


def _drawn(generator: np.random.Generator, array: Array, *, positive: bool) -> Array:
    drawn = generator.uniform(0.5, 1.5, array.shape) if positive else generator.normal(0, 0.1, array.shape)
    return drawn.astype(array.dtype)


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """`weights`: a file of A's weights, None for those of the built model; `shapes`: of Keras' inputs, None for the
    model's own.
    """

    a: ModelRequest
    b: ModelRequest
    weights: Path | None
    out: Path
    shapes: list[list[int]] | None
    seed: int


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The result.

    `source`, `target`: A and B as first inspected; `keras`, `pytorch`: the two after their weights were made equal;
    `filled`: how many arrays got random numbers for the comparison of outputs.
    """

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

    def a_first(self, keras: T, pytorch: T) -> tuple[T, T]:
        """Return a thing of Keras and one of PyTorch, A's first."""
        return (keras, pytorch) if self.source.library == "keras" else (pytorch, keras)


def move(wanted: TransferRequest) -> Transfer:
    """Carry A's weights to B, write them, compare the two.

    Raises UsageError, NotFoundError, DataError, LibraryFailure.
    """
    with tempfile.TemporaryDirectory(prefix="samebits-weights-") as folder:
        place = Path(folder)
        a, b, inputs = _both(wanted, place)
        pairing = pair_layers(*_keras_first(a, b))
        carried = carry(pairing.pairs, a, b, a.arrays)
        out, complete = _write(wanted.out, b, carried)
        return _compared(wanted, place, (a, b, pairing, carried, inputs), (out, complete))


def _keras_first(a: ModelFacts, b: ModelFacts) -> tuple[ModelFacts, ModelFacts]:
    return (a, b) if a.library == "keras" else (b, a)


def _both(wanted: TransferRequest, place: Path) -> tuple[ModelFacts, ModelFacts, Inputs]:
    """Return A and B, and the inputs of both. Keras decides the inputs, so PyTorch's model runs after it."""
    h5 = wanted.weights.resolve() if wanted.weights and wanted.weights.suffix in files.KERAS else None
    given = BuildInputs(seed=wanted.seed, shapes=wanted.shapes)
    a = look(wanted.a, place / "a", replace(given, h5=h5))
    if h5 and a.library != "keras":
        raise UsageError(f"PyTorch does not read {h5.name}.", "Name a .npz or .safetensors file.")
    inputs = models.make_inputs(a, place, wanted.seed) if a.library == "keras" else None
    b = look(wanted.b, place / "b", replace(given, inputs=inputs))
    if a.library == b.library:
        title = TITLES[a.library]
        raise UsageError(f"A and B are both models of {title}.", "Weights are carried between Keras and PyTorch.")
    if inputs is None:
        inputs = models.make_inputs(b, place, wanted.seed)
        a = look(wanted.a, place / "a", replace(given, inputs=inputs))
    _refuse_empty(a, b)
    if wanted.weights and not h5:
        a = replace(a, arrays={**a.arrays, **files.given(wanted.weights, a)})
    return a, b, inputs


def _refuse_empty(a: ModelFacts, b: ModelFacts) -> None:
    for model in (a, b):
        if not model.weights:
            raise UsageError(f"{model.title} has no weights: {model.said}.", "Give a model with weights to carry.")


def _write(out: Path, target: ModelFacts, carried: Conversion) -> tuple[Path | None, bool]:
    """Return (the file, whether it holds every weight).

    It has B's names, and B's own counters, which no library compares.
    """
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
    telling, filled = telltale_weights(pairing.pairs, a, b, wanted.seed)
    ran_a, ran_b = a, b
    if pairing.pairs:
        sent = carry(pairing.pairs, a, b, telling).arrays
        given = BuildInputs(seed=wanted.seed, shapes=wanted.shapes, inputs=inputs)
        loads = (_kept(place / "a.npz", telling), _kept(place / "b.npz", sent))
        with ThreadPoolExecutor(2) as both:  # each waits for its own process
            ran_a, ran_b = both.map(
                lambda which, name, load: look(which, place / name, replace(given, load=load)),
                (wanted.a, wanted.b), ("a2", "b2"), loads,
            )  # fmt: skip
    keras, pytorch = _keras_first(ran_a, ran_b)
    layers, whole = _outputs(pairing, keras, pytorch)
    return Transfer(
        source=a, target=b, keras=keras, pytorch=pytorch, pairing=pairing, carried=carried,
        layers=layers, whole_model=whole, inputs=inputs, filled=filled, out=written[0], complete=written[1],
    )  # fmt: skip


def _outputs(
    pairing: LayerPairs, keras: ModelFacts, pytorch: ModelFacts
) -> tuple[tuple[OutputGap, ...], OutputGap | None]:
    """Return how far apart the outputs of the layers and of the models are; nothing if a model did not run."""
    if not pairing.pairs or keras.ran or pytorch.ran:
        return (), None
    whole = verification.compare_models(pairing.pairs, keras, pytorch)
    return verification.settled(verification.compare_layers(pairing.pairs, keras, pytorch), whole), whole


def _kept(path: Path, arrays: Numbered) -> Path:
    np.savez(path, **{f"w{number}": array for number, array in arrays.items()})  # type: ignore[arg-type]
    return path
