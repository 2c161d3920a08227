"""Decides when modules are imported: at the first use of a name, or ahead, in a thread while the first trial starts.

`samebits` itself uses this and must start at once. So nothing heavy is imported here, and types are for the checker
only.
"""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False  # type checkers treat it as typing.TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["import_ahead", "importer"]


def importer(package: dict[str, Any], modules: Mapping[str, str], rest: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package. It finds only names in the package's `__all__`.

    `package`: the globals of the package. `modules`: name -> its module. `rest`: the module of all other names.
    """

    def get(name: str) -> Any:
        if name not in package["__all__"]:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"{package['__name__']}.{modules.get(name, rest)}")
        found = package[name] = getattr(module, name)
        return found

    return get


_NEEDED_LATER = (
    "numpy",
    "samebits.store.artifacts",
    "samebits.store.trace",
    "samebits.comparison.verdict",
    "samebits.reports.result_report",
    "samebits.reports.presenters.terminal",
)


@cache
def import_ahead() -> None:
    """Import the modules that judge and report trials, in a thread, once. Returns at once.

    Nothing waits for it, except code that needs such a module meanwhile.
    """
    import threading

    threading.Thread(target=_import, name="samebits imports").start()


def _import() -> None:
    import importlib
    from contextlib import suppress

    with suppress(Exception):  # the code that needs the module imports it again, and gets the error
        for name in _NEEDED_LATER:
            importlib.import_module(name)
