"""Calls functions after a module has been imported, without importing it, and without changing its loader's type."""

import sys

from . import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional, Sequence, Set

    ImportHook = Callable[[Any], Any]  # called with the module

_waiting: "Dict[str, List[ImportHook]]" = {}  # module name -> hooks, in the order of registration
_finding: "Set[str]" = set()
# each is called before an expected module is executed, and returns a function to call after that
around: "List[Callable[[], Callable[[], Any]]]" = []


def after(name: str, function: "ImportHook") -> None:
    """Call `function(module)` when the module `name` has been executed, or now if it already has.

    Callers must pass functions that record their own errors: an exception would reach the program.
    """
    module = sys.modules.get(name)
    if module is not None and not _is_initialising(module):
        function(module)
        return
    _waiting.setdefault(name, []).append(function)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _is_initialising(module: "ModuleType") -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


class _Finder:
    """Finds nothing itself. It asks the other finders, and wraps `exec_module` of the loader that they return."""

    @staticmethod
    def find_spec(
        name: str, path: "Optional[Sequence[str]]" = None, target: "Optional[ModuleType]" = None
    ) -> "Optional[ModuleSpec]":
        if name not in _waiting or name in _finding:
            return None
        _finding.add(name)
        try:
            spec = _ask_others(name, path, target)
        finally:
            _finding.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            _wrap(spec.loader, name)
        return spec


def _ask_others(name: str, path: "Optional[Sequence[str]]", target: "Optional[ModuleType]") -> "Optional[ModuleSpec]":
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        if find is None or isinstance(finder, _Finder):
            continue
        spec: "Optional[ModuleSpec]" = find(name, path, target)
        if spec is not None:
            return spec
    return None


@signals.held
def _tell(name: str, module: "ModuleType") -> None:
    for function in _waiting.pop(name, []):
        function(module)


def _wrap(loader: "Any", name: str) -> None:
    original = loader.exec_module

    def exec_module(module: "ModuleType") -> None:
        try:
            del loader.exec_module  # remove the wrapper: nobody sees it later
        except AttributeError:  # the class does not keep it in the instance: restore the original
            loader.exec_module = original
        afterwards = [before() for before in around]
        original(module)
        for function in afterwards:
            function()
        _tell(name, sys.modules.get(name, module))

    try:
        loader.exec_module = exec_module
    except AttributeError:  # a built-in or frozen loader takes no attribute; no watched library has such a loader
        pass
