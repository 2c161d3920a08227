"""The data of a study: made once, outside of the trainings, in files that every library reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samebits import datasets
from samebits.errors import DataError, NotFound, UsageError
from samebits.store import write_document
from samebits_study import digits, script_data
from samebits_study.catalog import SEED, Study, StudyScale

FILE, SETTINGS, TRUTH = "data.npz", "data.json", "truth.npz"
Note = Callable[[str], None]


def prepare(study: Study, scale: StudyScale, folder: Path, source: Path | None, note: Note) -> dict[str, Any]:
    """Make the study's data in `folder`, unless it is there; gives its settings and digests.

    `source`: where the images are (default: MNIST from the cache or the network; cells from the generator). `note`: is
    told what a user must know of the data. Raises UsageError where the folder holds other data, or what it was made of
    has changed; DataError where the data is damaged, or the source's is no such data.
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
        note(f"of {source} are left out: {made['left_out']}")
    return made


def _known(folder: Path) -> dict[str, Any]:
    """The settings of the data that is there. Raises DataError."""
    path = folder / SETTINGS
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError) as why:
        raise DataError(f"{path} cannot be read: {why}", _again(folder)) from None
    if not isinstance(known, dict):
        raise DataError(f"{path} does not say what data is there.", _again(folder))
    return known


def _refuse_damaged(known: dict[str, Any], found: dict[str, str], folder: Path) -> None:
    """DataError where the data's files are missing or have changed since they were made."""
    missing = [name for name in _FILES.get(known["study"], (FILE,)) if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder / missing[0]} is not there.", _again(folder))
    if any(known.get(name, digest) != digest for name, digest in found.items()):
        raise DataError(f"The data in {folder} is not what it was when the study began.", _again(folder))


def _again(folder: Path) -> str:
    return f"Remove {folder}, and the data is made again; or name a different folder with --out."


def _refuse_other(asked: dict[str, Any], known: dict[str, Any], folder: Path) -> None:
    """UsageError where the data that is there is not what is asked for."""
    differ = [name for name in asked if known.get(name) != asked[name]]
    if not differ:
        return
    if "study" in differ:
        differ = ["study"]  # the others follow from it
    if differ == ["source"]:
        was = known.get("source")
        again = f"Give --data {was} again" if was else "Leave --data out, as then"
        what = f"The study in {folder.parent} was begun with {f'the images in {was}' if was else 'no --data'}."
        raise UsageError(what, f"{again}; or name a different folder with --out.")
    said = "; ".join(f"{name} is {known.get(name)} there, {asked[name]} is asked for" for name in differ)
    raise UsageError(
        f"{folder} holds the data of a different study or scale: {said}.", "--out names a different folder."
    )


def _refuse_changed(known: dict[str, Any], source: Path | None, folder: Path, note: Note) -> None:
    """UsageError where the images have changed since the data was made of them; where they are gone, that is noted."""
    if source is None or "digest_of_source" not in known:
        return
    if not source.exists():
        note(f"{source} is not there any more: the data that was made of it is used")
    elif digest_of_folder(source) != known["digest_of_source"]:
        raise UsageError(
            f"What {source} holds has changed since the study in {folder.parent} was begun.",
            "Put back what was there; or begin a study of it in a different folder (--out).",
        )


def digest_of_folder(folder: Path) -> str:
    """32 hex digits over the names and contents of all files below a folder, but for hidden ones."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(hashlib.blake2b(str(name).encode()).digest() + hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    """Of the files that are there: the data that scripts read; and what is right, which judges read."""
    files = {"digest": folder / FILE, "digest_of_truth": folder / TRUTH}
    return {
        name: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for name, path in files.items()
        if path.is_file()
    }


def _make(study: Study, scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    """Make the data by its name, or by the script that the study names. Raises DataError, NotFound."""
    if source is not None and not source.exists():
        raise NotFound(f"There is no {source}.", "--data DIR names the folder of the images.")
    if study.data in _MAKERS:
        return _MAKERS[study.data](scale, folder, source)
    return script_data.make(study.data, scale.data, folder / FILE, source)


def _digits(scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    where = source or datasets.get("mnist")
    arrays = digits.prepare(where, **scale.data, seed=SEED)
    np.savez(folder / FILE, **arrays)  # type: ignore[arg-type]
    return {
        "about": "MNIST: the first training digits without those held out for validation, and the first test digits"
    }


def _cells(scale: StudyScale, folder: Path, source: Path | None) -> dict[str, Any]:
    from samebits_study.cells import arrays  # scipy and scikit-image, which LeNet-5 does without

    made = arrays.prepare(source, **cells_settings(scale, source), seed=SEED, folder=folder)
    found = {"about": made.about, "test_animal": made.test_animal, "train_images": made.train, "test_images": made.test}
    return {**found, "left_out": made.left_out} if made.left_out else found


def cells_settings(scale: StudyScale, source: Path | None) -> dict[str, Any]:
    """Keywords of `cells.prepare`. A scale that takes a folder whole has as many fields an animal as the folder."""
    settings: dict[str, Any] = dict(scale.data)
    if settings.pop("whole_folder", 0) and source:
        settings["fields_per_animal"] = None
    return settings


_MAKERS = {"digits": _digits, "cells": _cells}
_FILES = {"digits": (FILE,), "cells": (FILE, TRUTH)}
