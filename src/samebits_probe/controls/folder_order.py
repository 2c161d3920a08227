"""Fixes the order in which Python lists the files of a folder."""

import os
import sys

from .. import callers
from ..replacement import replace
from .control import CODE, OWN, Control, Edit, held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, List, Optional

    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks, VariedMachine


class ListingOrder(Control):
    """Sorts the results of os.listdir, os.scandir, os.walk, glob and Path.iterdir."""

    id = "listing-order"
    value = "sorted"
    values = "sorted or reversed"
    edits = (Edit(CODE, "sorted(os.listdir(folder))  # and sorted(...) around glob, iterdir and scandir"),)
    calls = ("walk", "scandir")
    hints = {"start": 9, "batch": 11, "forward": 13, "structure": 6, "end": 9}
    factor = "file-order"
    varies = "The order in which Python lists the files of a folder (os.listdir, os.scandir, glob, Path.iterdir)."
    takes = "sorted, reversed"
    no_effect = "no folder was listed by Python, except for imports"
    listings = 0  # so far in this process, without those of imports

    @classmethod
    def accepts(cls, value: str) -> bool:
        return value in ("sorted", "reversed")

    def at_start(self) -> None:
        order = _Order(self.value == "reversed")
        for name, make in (("listdir", order.of_names), ("scandir", order.of_entries)):
            original = getattr(os, name)
            new = replace(os, name, make)
            if original in os.supports_fd:  # shutil.rmtree looks the function up in this set
                os.supports_fd.add(new)

    def after_import(self) -> "ImportHooks":
        # these modules may have copied the functions of os before they were replaced
        order = _Order(self.value == "reversed")
        return {"pathlib": order.hold_paths, "glob": order.hold_globs}

    def read_back(self) -> "ControlEffect":
        is_held = hasattr(os.listdir, "_samebits_make") and hasattr(os.scandir, "_samebits_make")
        return held(is_held, "os.listdir or os.scandir was replaced")

    @classmethod
    def base(cls) -> str:
        return "sorted"

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return ["reversed"]

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        return "the order in which the system lists is not known: it may be either of the two" if value == OWN else ""

    @staticmethod
    def in_force() -> "Optional[str]":
        make = getattr(os.listdir, "_samebits_make", None)
        if make is None or not ListingOrder.listings:
            return None
        return "reversed" if make.__self__.reverse else "sorted"


class _Order:
    """Sorts by name, in ascending or in descending order."""

    def __init__(self, reverse: bool) -> None:
        self.reverse = reverse

    def sort(self, found: "Iterable[Any]", key: "Optional[Callable[[Any], Any]]" = None) -> "List[Any]":
        ListingOrder.listings += not _is_importing()
        return sorted(found, key=key, reverse=self.reverse)

    def of_names(self, original: "AnyFunction") -> "AnyFunction":
        def listdir(path: "Any" = None) -> "List[Any]":
            return self.sort(original(path))

        return listdir

    def of_entries(self, original: "AnyFunction") -> "AnyFunction":
        def scandir(path: "Any" = None) -> "_Entries":
            return _Entries(original(path), self)

        return scandir

    def of_results(self, original: "AnyFunction") -> "AnyFunction":
        def list_(*args: "Any", **kwargs: "Any") -> "Iterator[Any]":
            return iter(self.sort(original(*args, **kwargs)))

        return list_

    def hold_paths(self, module: "Any") -> None:
        for name in ("iterdir", "glob", "rglob"):
            replace(module.Path, name, self.of_results)

    def hold_globs(self, module: "Any") -> None:
        def in_order(original: "AnyFunction") -> "AnyFunction":
            def glob(*args: "Any", **kwargs: "Any") -> "List[Any]":
                return self.sort(original(*args, **kwargs))

            return glob

        replace(module, "glob", in_order)
        replace(module, "iglob", self.of_results)


def _is_importing() -> bool:
    """Return whether a module is being imported: then libraries list folders to find each other."""
    return any("importlib" in file for file, _, _ in callers.running(sys._getframe(1)))


class _Entries:
    """Works like the iterator of os.scandir, which is also a context manager that closes it."""

    def __init__(self, entries: "Any", order: "_Order") -> None:
        with entries:
            self._sorted = iter(order.sort(entries, key=lambda entry: entry.name))

    def __iter__(self) -> "_Entries":
        return self

    def __next__(self) -> "Any":
        return next(self._sorted)

    def __enter__(self) -> "_Entries":
        return self

    def __exit__(self, *_: "Any") -> None:
        self.close()

    def close(self) -> None:
        self._sorted = iter(())
