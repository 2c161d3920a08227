"""Imports the module of a name when the name is first used.

`samebits` itself uses this and must start at once. So nothing is imported here, and types are for the checker only.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers treat it as typing.TYPE_CHECKING
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["importer"]


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
