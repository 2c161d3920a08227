"""The order in which a folder's files are listed."""

import os

from .control import Control
from .patching import replace


class ListingOrder(Control):
    """Sorts what os.listdir, os.scandir, os.walk, glob and Path.iterdir list."""

    id = "listing-order"

    def at_start(self):
        for name, make in (("listdir", _sorted_names), ("scandir", _sorted_entries)):
            original = getattr(os, name)
            new = replace(os, name, make)
            if original in os.supports_fd:  # shutil.rmtree asks for the function itself
                os.supports_fd.add(new)

    def after_import(self):
        # these may have taken the functions of os before they were replaced
        return {"pathlib": _sort_paths, "glob": _sort_globs}

    def read_back(self):
        held = hasattr(os.listdir, "_samebits_make") and hasattr(os.scandir, "_samebits_make")
        return (True, "") if held else (False, "os.listdir or os.scandir was replaced")


def _sorted_names(original):
    def listdir(path=None):
        return sorted(original(path))

    return listdir


def _sorted_entries(original):
    def scandir(path=None):
        return _Entries(original(path))

    return scandir


class _Entries:
    """Like the iterator of os.scandir: also a context that closes it."""

    def __init__(self, entries):
        with entries:
            self._sorted = iter(sorted(entries, key=lambda entry: entry.name))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._sorted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._sorted = iter(())


def _sorted_results(original):
    def list_(*args, **kwargs):
        return iter(sorted(original(*args, **kwargs)))

    return list_


def _sort_paths(module):
    for name in ("iterdir", "glob", "rglob"):
        replace(module.Path, name, _sorted_results)


def _sort_globs(module):
    def sorted_list(original):
        def glob(*args, **kwargs):
            return sorted(original(*args, **kwargs))

        return glob

    replace(module, "glob", sorted_list)
    replace(module, "iglob", _sorted_results)
