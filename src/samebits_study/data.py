"""The data of a study. It is made once, outside of the trainings, in files that every library reads."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samebits import datasets
from samebits.errors import DataError, NotFoundError, UsageError
from samebits.store import write_document
from samebits_study import catalog
from samebits_study.catalog import SEED, Study, StudyScale

FILE, SETTINGS, TRUTH = "data.npz", "data.json", "truth.npz"
Note = Callable[[str], None]


def prepare(study: Study, scale: StudyScale, folder: Path, source: Path | None, note: Note) -> dict[str, Any]:
    """Make the study's data in `folder`, unless it is there.

    Returns its settings and digests. `source`: where the images are (default: MNIST from the cache or the network;
    cells from the generator). `note`: is told what a user must know about the data. Raises UsageError if the folder
    holds different data, or if its source has changed; DataError if the data is damaged, or if the source does not hold
    such data.
    """
    asked = {"study": study.data, "source": str(source.absolute()) if source else None, "seed": SEED, **scale.data}
    if (folder / SETTINGS).is_file():
        known = _known(folder)
        _refuse_other(asked, known, folder)
        found = _digests(folder)
        _refuse_damaged(known, found, folder)
        _refuse_changed(known, source, folder, note)
        return {**known, **found}
    folder.mkdir(parents=True, exist_ok=True)
    made = {**asked, **_make(study, scale, folder, source), **_digests(folder)}
    if source:
        made["digest_of_source"] = digest_of_folder(source)
    write_document(folder / SETTINGS, made)
    if made.get("left_out"):
        note(f"not used of {source}: {made['left_out']}")
    return made


def _known(folder: Path) -> dict[str, Any]:
    """Return the settings of the data that is there. Raises DataError."""
    path = folder / SETTINGS
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read: {why}", _again(folder)) from None
    if not isinstance(known, dict):
        raise DataError(f"{path} does not say what data is there.", _again(folder))
    return known


def _refuse_damaged(known: dict[str, Any], found: dict[str, str], folder: Path) -> None:
    """Raise DataError if the data's files are missing or have changed since they were made."""
    missing = [name for name in _FILES.get(known["study"], (FILE,)) if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder / missing[0]} is not there.", _again(folder))
    if any(known.get(name, digest) != digest for name, digest in found.items()):
        raise DataError(f"The data in {folder} has changed since the study began.", _again(folder))


def _again(folder: Path) -> str:
    return f"Remove {folder}, and samebits makes the data again; or name a different folder with --out DIR."


def _refuse_other(asked: dict[str, Any], known: dict[str, Any], folder: Path) -> None:
    """Raise UsageError if the data that is there is not the data that is wanted."""
    differ = [name for name in asked if known.get(name) != asked[name]]
    if not differ:
        return
    if "study" in differ:
        differ = ["study"]  # the others follow from this one
    if differ == ["source"]:
        was = known.get("source")
        again = f"Give --data {was} again" if was else "Leave --data out, as before"
        what = f"The study in {folder.parent} was begun with {f'the images in {was}' if was else 'no --data'}."
        raise UsageError(what, f"{again}; or name a different folder with --out DIR.")
    said = "; ".join(f"{name} is {known.get(name, 'not named')} there, but {asked[name]} is wanted" for name in differ)
    raise UsageError(
        f"{folder} holds the data of a different study or scale: {said}.", "Name a different folder with --out DIR."
    )


def _refuse_changed(known: dict[str, Any], source: Path | None, folder: Path, note: Note) -> None:
    """Raise UsageError if the images have changed since the data was made. If they are gone, a note says so."""
    if source is None or "digest_of_source" not in known:
        return
    if not source.exists():
        note(f"{source} is not there any more: samebits uses the data that was made from it")
    elif digest_of_folder(source) != known["digest_of_source"]:
        raise UsageError(
            f"The content of {source} has changed since the study in {folder.parent} began.",
            "Put back what was there, or begin a new study in a different folder with --out DIR.",
        )


def digest_of_folder(folder: Path) -> str:
    """32 hex digits over the names and contents of all files below a folder, without hidden files."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(hashlib.blake2b(str(name).encode()).digest() + hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    """Return the digests of the existing files: the data for the scripts, and the truth for the judges."""
    files = {"digest": folder / FILE, "digest_of_truth": folder / TRUTH}
    return {
        name: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for name, path in files.items()
        if path.is_file()
    }


def _make(study: Study, scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    """Make the data by its name, or by the script that the study names. Raises DataError, NotFoundError."""
    if source is not None and not source.exists():
        raise NotFoundError(f"There is no folder {source}.", "--data DIR names the folder of the images.")
    if study.data in _MAKERS:
        return _MAKERS[study.data](scale, folder, source)
    return made_by_script(study, scale.data, folder / FILE, source)


def _digits(scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    where = source or datasets.get("mnist")
    arrays = split_digits(where, **scale.data, seed=SEED)
    np.savez(folder / FILE, **arrays)  # type: ignore[arg-type]
    return {
        "about": "MNIST: the first training digits without those held out for validation, and the first test digits"
    }


def _cells(scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    from samebits_study.cells import arrays  # scipy and scikit-image, which LeNet-5 does not need

    return arrays.prepare(source, arrays.CellSettings(**cells_settings(scale, source), seed=SEED), folder)


def cells_settings(scale: StudyScale, source: Path | None) -> dict[str, Any]:
    """Return the keywords of `CellSettings` except the seed.

    If a scale takes all of a folder, or names no number, it has as many fields of each animal as the folder.
    """
    settings: dict[str, Any] = {"fields_per_animal": None, **scale.data}
    if settings.pop("whole_folder", 0) and source:
        settings["fields_per_animal"] = None
    return settings


_MAKERS = {"digits": _digits, "cells": _cells}
_FILES = {"digits": (FILE,), "cells": (FILE, TRUTH)}

CLASSES = 10
Split = dict[str, NDArray[np.uint8]]


def split_digits(folder: Path, *, train: int, validation: int, test: int, seed: int) -> Split:
    """Return arrays {train,validation,test}_{images,labels}: images (n, 28, 28) and labels (n,), bytes.

    `validation` digits, equally many of each class, are drawn from the
    training set (the paper, section VIII.B: 1,000 for each class). Then come the first `train` of the others in
    MNIST's order, and the first `test` digits of the test set. Raises DataError.
    """
    images, labels = read_idx(folder, "train-images-idx3-ubyte"), read_idx(folder, "train-labels-idx1-ubyte")
    held_out = _of_each_class(labels, validation // CLASSES, np.random.default_rng(seed))
    others = np.setdiff1d(np.arange(len(labels)), held_out)[:train]
    test_images, test_labels = read_idx(folder, "t10k-images-idx3-ubyte"), read_idx(folder, "t10k-labels-idx1-ubyte")
    return {
        "train_images": images[others],
        "train_labels": labels[others],
        "validation_images": images[held_out],
        "validation_labels": labels[held_out],
        "test_images": test_images[:test],
        "test_labels": test_labels[:test],
    }


def _of_each_class(labels: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return sorted rows, `count` of each class."""
    rows = [rng.permutation(np.flatnonzero(labels == digit))[:count] for digit in range(CLASSES)]
    return np.sort(np.concatenate(rows))


def read_idx(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read an idx file of bytes, plain or gzipped. Raises DataError."""
    path = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise DataError(f"{folder} holds no {name}.", f"samebits data get mnist --to {folder}")
    again = f"Remove it, then: samebits data get mnist --to {folder}"
    data: Any = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(data) < 8 or data[:3] != b"\0\0\x08":
        raise DataError(f"{path} is not an idx file of bytes.", again)
    shape = np.frombuffer(data, ">i4", data[3], 4)
    if len(data) != 4 + 4 * data[3] + shape.prod():
        raise DataError(f"{path} is cut off or too long.", again)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


LAST_WORDS = 800  # characters of a script's error that are shown
_CORRECT = "Correct the script, and give the command again."


def made_by_script(study: Study, settings: dict[str, int], target: Path, source: Path | None) -> dict[str, Any]:
    """Run the study's script that writes the npz file `target`.

    Returns the description of the data. Raises DataError. `settings`: of the scale, each an option of the script;
    `source`: the folder that the user named (--data).
    """
    script = study.data
    words = [sys.executable, str(catalog.SCRIPTS / script), "--out", str(target), "--seed", str(SEED)]
    for name, value in settings.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    if source is not None:
        words += ["--source", str(source.absolute())]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"{script} ended with exit status {done.returncode}:\n{done.stderr[-LAST_WORDS:]}", _CORRECT)
    try:
        with np.load(target) as arrays:
            is_judgeable = study.measures or "test_labels" in arrays
    except (OSError, ValueError) as why:
        raise DataError(f"{script} wrote no npz file: {why}", _CORRECT) from None
    if not is_judgeable:
        raise DataError(f"{script} wrote no test_labels, by which predictions are judged.", _CORRECT)
    return {"about": f"made by {script}"}
