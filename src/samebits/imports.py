"""Imports modules later than at the start: at the first use of a name, or in a thread while trials run.

`import samebits` runs this module and must be fast. So the module imports nothing that takes time.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers treat it as typing.TYPE_CHECKING
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["BackgroundImports", "disable_pydantic_plugins", "importer", "in_background"]


def importer(package: dict[str, Any], modules: Mapping[str, str], rest: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package. It finds only names in the package's `__all__`.

    `package`: the globals of the package. `modules`: name -> its module. `rest`: the module of all other names.
    """

    def get(name: str) -> Any:
        if name not in package["__all__"]:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"{package['__name__']}.{modules.get(name, rest)}")
        value = package[name] = getattr(module, name)
        return value

    return get


_PLUGIN_LOADER = "pydantic.plugin._loader"


def disable_pydantic_plugins() -> None:
    """Replace pydantic's search for plugins in this process, because it reads the metadata of all installed packages.

    The variable PYDANTIC_DISABLE_PLUGINS would do the same, but the trials would inherit it:
    https://docs.pydantic.dev/latest/concepts/plugins/#disabling-plugins
    """
    import sys
    from types import ModuleType

    def other(name: str) -> Any:
        """Return any other name of the real module. A version of pydantic may need one."""
        if name.startswith("__"):
            raise AttributeError(name)
        from importlib import import_module

        del sys.modules[_PLUGIN_LOADER]
        return getattr(import_module(_PLUGIN_LOADER), name)

    module = ModuleType(_PLUGIN_LOADER)
    vars(module).update(get_plugins=tuple, __getattr__=other)
    sys.modules.setdefault(_PLUGIN_LOADER, module)


# the modules that judge and report trials, in small parts. Those that the end of a trial needs come first. Those that
# only files need come last
_RESULT_MODULES = [
    "samebits.store.text_files", "numpy", "samebits.store.trace",
    "samebits.comparison.traces.processes", "samebits.comparison.traces.networks",
    "samebits.comparison.verdict.threads", "samebits.comparison.verdict.sentences",
    "samebits.comparison.verdict.divergence", "samebits.comparison.verdict.judgement",
    "samebits.reports.tree", "samebits.reports.history", "samebits.reports.figures", "samebits.reports.result_report",
    "samebits.reports.presenters.terminal",
    "samebits.store.artifacts",
]  # fmt: skip
_SWITCH_SECONDS = 0.0005  # after this time, Python lets a different thread run


class BackgroundImports:
    """Imports modules in a thread, but only inside a `with` block, in which the main thread waits for trials.

    When the block ends, the thread completes at most the import that it has begun.
    """

    def __init__(self, modules: list[str]) -> None:
        self._left, self._is_allowed = modules, False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> BackgroundImports:
        self._is_allowed = True
        if self._left and (self._thread is None or not self._thread.is_alive()):
            import threading

            self._thread = threading.Thread(target=self._import, name="samebits imports")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_allowed = False

    def _import(self) -> None:
        import sys
        from contextlib import suppress
        from importlib import import_module

        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)  # so that the main thread can run in the middle of an import
        try:
            while self._is_allowed and self._left:
                with suppress(Exception):  # the code that needs the module imports it again, and gets the error
                    import_module(self._left.pop(0))
        finally:
            sys.setswitchinterval(before)


in_background = BackgroundImports(_RESULT_MODULES)
