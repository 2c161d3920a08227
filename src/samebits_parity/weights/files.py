"""Weights in files: reading those of the first model, writing those of the second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samebits.errors import DataError, NotFoundError, UsageError
from samebits.words import count, first_few
from samebits_parity.weights.models import ModelFacts
from samebits_parity.weights.rules import Array

ARRAYS = (".npz", ".safetensors")
KERAS = (".h5", ".hdf5")  # Keras itself reads these
READS = (*ARRAYS, *KERAS)


def check_source(path: Path) -> None:
    """Raise NotFoundError or UsageError for a file that could not be read, before a library is started."""
    if not path.is_file():
        raise NotFoundError(f"There is no file of weights {path}.", "Name a .npz, .safetensors or .h5 file.")
    if path.suffix not in READS:
        what = f"samebits cannot read weights from {path.name}."
        raise UsageError(what, f"Name a file with one of these endings: {', '.join(READS)}.")


def check_target(path: Path, *, is_named: bool) -> None:
    """Raise UsageError for a file that could not be written, before a library is started.

    `is_named`: the user named the file, so it may be replaced.
    """
    if path.exists() and not is_named:
        raise UsageError(f"{path} already exists.", f"Give --out {path} to replace it, or --out with a different file.")
    if path.suffix not in ARRAYS:
        raise UsageError(f"samebits cannot write weights as {path.name}.", "Give --out FILE.safetensors, or FILE.npz.")
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written.", "Name a file in a folder that is there.")


def load(path: Path) -> dict[str, Array]:
    """Return the arrays of a file by name. DataError."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            return dict(load_file(path))
        with np.load(path) as saved:
            return {name: saved[name] for name in saved.files}
    except Exception as why:  # the errors of numpy, zipfile and safetensors derive from no common class
        what = f"{path} cannot be read: {type(why).__name__}: {why}"
        raise DataError(what, "Write the file again, with numpy.savez or safetensors.") from None


def given(path: Path, model: ModelFacts) -> dict[int, Array]:
    """Return a model's arrays by number: by name if the file has the model's names, else in order. Raises DataError."""
    arrays = load(path)
    names = [weight.name for weight in model.weights]
    counters = {number for number, weight in enumerate(model.weights) if weight.dtype.startswith("int")}
    if all(name in arrays for number, name in enumerate(names) if number not in counters):
        found = {number: arrays[name] for number, name in enumerate(names) if name in arrays}
    elif len(arrays) == len(names):
        found = dict(enumerate(arrays.values()))
    else:
        what = f"{path} holds {count(len(arrays), 'array')}, and {model.title} has {count(len(names), 'weight')}."
        raise DataError(what, f"Name the arrays like the weights: {first_few(names, 6)}.")
    for number, array in found.items():
        weight = model.weights[number]
        if array.shape != weight.shape:
            what = f"{path}: the array for {weight.name} has the shape {array.shape}; the model needs {weight.shape}."
            raise DataError(what, "Name a file with the weights of this model.")
    return {number: array.astype(model.weights[number].dtype) for number, array in found.items()}


def save(path: Path, arrays: dict[str, Array]) -> None:
    """Write arrays by name. UsageError."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    draft = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        if path.suffix == ".npz":
            np.savez(draft, **plain)  # type: ignore[arg-type]
        else:
            from safetensors.numpy import save_file

            save_file(plain, draft, metadata={"format": "pt"})
        draft.replace(path)
    except OSError as why:
        draft.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {why.strerror or why}.", "Give --out a different file.") from None


def how_to_load(path: Path, target: ModelFacts, *, whole: bool) -> list[str]:
    """Return the lines that load the file into the target. `whole`: whether it holds every weight."""
    reads = {"keras": "numpy", "pytorch": "torch"}[target.library]
    lines = [f"from safetensors.{reads} import load_file", f'weights = load_file("{path.name}")']
    if path.suffix == ".npz":
        lines = ["import numpy", f'weights = dict(numpy.load("{path.name}"))']
        if target.library == "pytorch":
            lines += ["import torch", "weights = {name: torch.from_numpy(array) for name, array in weights.items()}"]
    if target.library == "pytorch":
        return [*lines, f"model.load_state_dict(weights{'' if whole else ', strict=False'})"]
    name = "w.path" if target.version.startswith("Keras 3") else "w.name"
    if whole:
        return [*lines, f"model.set_weights([weights[{name}] for w in model.weights])"]
    own = f"[weights.get({name}, old) for w, old in zip(model.weights, model.get_weights())]"
    return [*lines, f"model.set_weights({own})"]
