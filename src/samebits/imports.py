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

__all__ = ["import_ahead", "importer", "without_plugins"]


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


_PLUGINS = "pydantic.plugin._loader"


def without_plugins() -> None:
    """Let pydantic look for no plugins in this process. The search reads the metadata of all installed packages.

    It acts like PYDANTIC_DISABLE_PLUGINS, which the trials would inherit:
    https://docs.pydantic.dev/latest/concepts/plugins/#disabling-plugins
    """
    import sys
    from types import ModuleType

    def other(name: str) -> Any:
        """Return a different name of the real module, if a version of pydantic asks for one."""
        if name.startswith("__"):
            raise AttributeError(name)
        from importlib import import_module

        del sys.modules[_PLUGINS]
        return getattr(import_module(_PLUGINS), name)

    module = ModuleType(_PLUGINS)
    vars(module).update(get_plugins=tuple, __getattr__=other)
    sys.modules.setdefault(_PLUGINS, module)


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
