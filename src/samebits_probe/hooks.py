"""Hooks of the interpreter: functions that are called after an import, or at an audit event."""

import sys
import threading

from . import callers, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

    ImportHook = Callable[[Any], Any]  # called with the module
    Note = Callable[..., Any]  # called with the arguments of its event

_waiting: "Dict[str, List[ImportHook]]" = {}  # module name -> hooks, in the order of registration
_finding: "Set[str]" = set()
_packages: "List[str]" = []  # modules of installed packages that are executed now, the outermost first
# each is called before the code of an installed package, or of an expected module, is executed; returns a function to
# call after that
around_imports: "List[Callable[[], Callable[[], Any]]]" = []


def after_import(name: str, function: "ImportHook") -> None:
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
        if name in _finding or (_packages and name not in _waiting):
            return None
        _finding.add(name)
        try:
            spec = _ask_others(name, path, target)
        finally:
            _finding.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module") and (name in _waiting or _is_of_package(spec)):
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


def _is_of_package(spec: "ModuleSpec") -> bool:
    return spec.has_location and callers.kind_of(str(spec.origin)) == callers.PACKAGE


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
        afterwards = [before() for before in around_imports]
        _packages.append(name)
        try:
            original(module)
        finally:
            _packages.remove(name)
        for function in afterwards:
            function()
        _tell(name, sys.modules.get(name, module))

    try:
        loader.exec_module = exec_module
    except AttributeError:  # a built-in or frozen loader takes no attribute; no watched library has such a loader
        pass


# -- audit events (Python 3.8 and later) ------------------------------------------------------------------------------


def add_audit_hook(notes: "Dict[str, Note]") -> bool:
    """Call `notes[event](*arguments)` for each of these events. Returns False if this Python has no audit events."""
    if not hasattr(sys, "addaudithook"):
        return False
    sys.addaudithook(_hook(notes))  # novm: the lines above check for it
    return True


def quietly(note: "Note") -> "Callable[..., None]":
    """Return a function that calls `note` as work of the probe, and keeps its errors out of the program."""

    def call(*arguments: "Any") -> None:
        signals.hold()
        try:
            note(*arguments)
        except Exception:  # a name that cannot be decoded, for example: the program's own call reports it
            return
        finally:
            signals.release()

    return call


def _hook(notes: "Dict[str, Note]") -> "Callable[[str, Tuple[Any, ...]], None]":
    """Return the audit hook. No exception may leave it, because it would reach the program.

    It is a plain function, because Python calls it for every event, also for each call of `id`.
    """
    quiet = {event: quietly(note) for event, note in notes.items()}
    busy: "Set[int]" = set()  # threads that run a note: events of the note itself are not the program's

    def hook(event: str, arguments: "Tuple[Any, ...]", _here: "Callable[[], int]" = threading.get_ident) -> None:
        if event not in quiet:
            return
        thread = _here()
        if thread in busy:
            return
        busy.add(thread)
        try:
            quiet[event](*arguments)
        finally:
            busy.discard(thread)

    return hook
