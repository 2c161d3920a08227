"""Finds what a user may have meant by the name of a script or program that is not there."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePath

from samebits.launch import folders
from samebits.words import did_you_mean

__all__ = ["like_program", "like_script"]

_LIKE = 0.75  # names are similar if they have this share of their letters in common: `trian.py` and `train.py`
_MOST_SHOWN = 2
_MOST_READ = 10_000  # names of one folder


def like_script(script: str, directory: Path) -> str:
    """Return a question that names the files like this script; "" if there is none.

    These are files in the same folder with similar names. If there is none, they are files with the same name in the
    working folder, or in a folder of it.
    """
    path = PurePath(script)
    here = _names(directory / path.parent, lambda entry: PurePath(entry.name).suffix == path.suffix and entry.is_file())
    close = [str(path.parent / name) for name in _close(path.name, here)]
    return did_you_mean(close or list(islice(_elsewhere(path, directory), _MOST_SHOWN)))


def _elsewhere(path: PurePath, directory: Path) -> Iterator[str]:
    """Yield the paths of files of the same name that lie in the working folder, or in a folder of it."""
    for folder in ("", *sorted(_names(directory, os.DirEntry.is_dir))):
        if not folder.startswith(".") and (directory / folder / path.name).is_file():
            yield str(PurePath(folder) / path.name)


def like_program(name: str, directory: Path, search_path: str) -> str:
    """Return a question that names programs, or records of the working folder, with similar names; "" if there is none.

    A script of the working folder with this name comes before them. If the name has a folder, only the programs of that
    folder count.
    """
    path = PurePath(name)
    if "/" in name:
        start = f"{path.parent}/" if path.is_absolute() else f"./{path.parent}/".replace("/./", "/")
        return did_you_mean([start + one for one in _close(path.name, _names(directory / path.parent, _is_program))])
    if (directory / f"{name}.py").is_file():
        return did_you_mean([f"{name}.py"])
    programs = {one for folder in search_path.split(os.pathsep) if folder for one in _names(Path(folder), _is_program)}
    records = _names(directory, lambda entry: entry.is_dir() and folders.is_record(Path(entry.path)))
    return did_you_mean(_close(name, {*programs, *records}))


def _is_program(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() and os.access(entry.path, os.X_OK)


def _names(folder: Path, is_wanted: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    """Return the names in a folder that are wanted. A folder that cannot be read has none."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_READ) if is_wanted(entry)]
    except OSError:
        return []


def _close(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(known), _MOST_SHOWN, _LIKE)
