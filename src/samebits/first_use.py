"""Names of a package whose module is imported when one of them is first used.

`samebits` itself uses this, and must start at once: so nothing is imported here, and types are for the checker only.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for that of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["importer"]


def importer(package: dict[str, Any], modules: Mapping[str, str], rest: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package.

    `package`: its globals; `modules`: name -> its module; `rest`: the module of all other names.

    Only names of its `__all__` are found.
    """

    def get(name: str) -> Any:
        if name not in package["__all__"]:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        from importlib import import_module

        module = import_module(f"{package['__name__']}.{modules.get(name, rest)}")
        found = package[name] = getattr(module, name)
        return found

    return get
