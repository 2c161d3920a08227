"""The order in which a folder's files are listed."""

import os
import sys

from .control import CODE, OWN, Control, edit, held
from .replacement import replace


class ListingOrder(Control):
    """Sorts what os.listdir, os.scandir, os.walk, glob and Path.iterdir list."""

    id = "listing-order"
    value = "sorted"
    values = "sorted or reversed"
    edits = (edit(CODE, "sorted(os.listdir(folder))  # and sorted(...) around glob, iterdir and scandir"),)
    hints = {"batch": 11, "structure": 6}
    factor = "file-order"
    varies = "In which order Python lists the files of a folder (os.listdir, os.scandir, glob, Path.iterdir)."
    takes = "sorted, reversed"
    no_effect = "no folder was listed by Python, but for importing"
    listings = 0  # made so far in this process, but for those that an import makes

    @classmethod
    def accepts(cls, value):
        return value in ("sorted", "reversed")

    def at_start(self):
        order = _Order(self.value == "reversed")
        for name, make in (("listdir", order.of_names), ("scandir", order.of_entries)):
            original = getattr(os, name)
            new = replace(os, name, make)
            if original in os.supports_fd:  # shutil.rmtree asks for the function itself
                os.supports_fd.add(new)

    def after_import(self):
        # these may have taken the functions of os before they were replaced
        order = _Order(self.value == "reversed")
        return {"pathlib": order.hold_paths, "glob": order.hold_globs}

    def read_back(self):
        is_held = hasattr(os.listdir, "_samebits_make") and hasattr(os.scandir, "_samebits_make")
        return held(is_held, "os.listdir or os.scandir was replaced")

    @classmethod
    def base(cls):
        return "sorted"

    @classmethod
    def varied(cls, machine):
        return ["reversed"]

    @classmethod
    def lacks(cls, value, machine):
        return "the order in which the system lists is not known: it may be either of the two" if value == OWN else ""

    @staticmethod
    def in_force():
        make = getattr(os.listdir, "_samebits_make", None)
        if make is None or not ListingOrder.listings:
            return None
        return "reversed" if make.__self__.reverse else "sorted"


class _Order:
    """Sorted by name, or the other way round."""

    def __init__(self, reverse):
        self.reverse = reverse

    def sort(self, found, key=None):
        ListingOrder.listings += not _is_importing()
        return sorted(found, key=key, reverse=self.reverse)

    def of_names(self, original):
        def listdir(path=None):
            return self.sort(original(path))

        return listdir

    def of_entries(self, original):
        def scandir(path=None):
            return _Entries(original(path), self)

        return scandir

    def of_results(self, original):
        def list_(*args, **kwargs):
            return iter(self.sort(original(*args, **kwargs)))

        return list_

    def hold_paths(self, module):
        for name in ("iterdir", "glob", "rglob"):
            replace(module.Path, name, self.of_results)

    def hold_globs(self, module):
        def in_order(original):
            def glob(*args, **kwargs):
                return self.sort(original(*args, **kwargs))

            return glob

        replace(module, "glob", in_order)
        replace(module, "iglob", self.of_results)


def _is_importing():
    """Whether a module is being imported: libraries look for each other's files then."""
    frame = sys._getframe(1)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


class _Entries:
    """Like the iterator of os.scandir: also a context that closes it."""

    def __init__(self, entries, order):
        with entries:
            self._sorted = iter(order.sort(entries, key=lambda entry: entry.name))

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
