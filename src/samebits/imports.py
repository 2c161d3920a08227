"""Decides when modules are imported: at the first use of a name, or ahead, in a thread while trials run.

`samebits` itself uses this and must start at once. So nothing heavy is imported here, and types are for the checker
only.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers treat it as typing.TYPE_CHECKING
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["Ahead", "ahead", "importer", "without_plugins"]


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


# what judges and reports trials, in small parts: what the end of a trial needs comes first
_LATER = [
    "samebits.store.text_files", "numpy", "samebits.store.pickle_files",
    "samebits.store.torch_files", "samebits.store.container_files", "samebits.store.artifacts", "samebits.store.trace",
    "samebits.comparison.processes", "samebits.comparison.networks", "samebits.comparison.threads",
    "samebits.comparison.sentences", "samebits.comparison.divergence", "samebits.comparison.verdict",
    "samebits.reports.tree", "samebits.reports.history", "samebits.reports.figures", "samebits.reports.result_report",
    "samebits.reports.presenters.terminal",
]  # fmt: skip
_SHORT = 0.0005  # seconds after which a different thread may run


class Ahead:
    """Imports modules in a thread, but only while the main thread waits: it must not wait for an import."""

    def __init__(self, modules: list[str]) -> None:
        self._left, self._may_go = modules, False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Ahead:
        self._may_go = True
        if self._left and (self._thread is None or not self._thread.is_alive()):
            import threading

            self._thread = threading.Thread(target=self._import, name="samebits imports")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._may_go = False

    def _import(self) -> None:
        import sys
        from contextlib import suppress
        from importlib import import_module

        before = sys.getswitchinterval()
        sys.setswitchinterval(_SHORT)  # so that the main thread gets its turn at once in the middle of an import
        try:
            while self._may_go and self._left:
                with suppress(Exception):  # the code that needs the module imports it again, and gets the error
                    import_module(self._left.pop(0))
        finally:
            sys.setswitchinterval(before)


# `with ahead:` around a wait imports the modules that judge and report trials meanwhile
ahead = Ahead(_LATER)
