"""Starts the probe, in a fixed order. `sitecustomize` calls it in every Python process of the command."""

import functools
import importlib
import json
import os
import sys

from . import api, files, handouts, hooks, own_generators, rng, saved_files, signals, wire
from .controls import hold
from .system import System
from .watchers import WATCHERS
from .wrappers import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Set

    from .probe import Probe
    from .wire import Config

    Argument = Any  # from the program: a word, several words, or anything else


def start(config_path: str) -> None:
    """Start the probe of this process from the launcher's config.json."""
    with open(config_path) as file:
        config: "Config" = json.load(file)
    if config["format"] != wire.FORMAT:
        raise RuntimeError("samebits_probe: config format %r is not %r" % (config["format"], wire.FORMAT))
    probe = api.start(config)
    probe.guard("signals", signals.install)
    probe.guard("files", files.watch, _file_reporter(probe, config["folder"]))
    probe.guard("children", _watch_children, probe.event)
    probe.guard("saved files", saved_files.watch, probe)
    probe.guard("handed", handouts.watch, probe)
    probe.guard("own generators", own_generators.watch, probe)
    hold(config.get("controls") or [], config.get("seed"), probe)
    probe.last_step.append(lambda: _tell_what_is_in_force(probe, config.get("factors") or []))
    _watch_generators(probe)
    _watch_threads(probe)
    if config.get("draws"):
        probe.guard("draws", lambda: importlib.import_module("samebits_probe.draws").watch(probe))
    if config.get("audit"):
        probe.guard("audit", lambda: importlib.import_module("samebits_probe.resume").watch(probe))
    for library in ("numpy", "torch"):
        hooks.after_import(library, lambda module: probe.guard("globals", _watch_globals, probe))
    for library, (name, watcher) in WATCHERS.items():
        hooks.after_import(library, _installer(probe, name, watcher))


@functools.lru_cache(maxsize=None)  # once for each probe
def _watch_globals(probe: "Probe") -> None:
    """Have arrays in the program's globals recorded at the end, when the import system may no longer work."""
    arrays = importlib.import_module("samebits_probe.watchers.global_arrays")
    probe.at_end(lambda: arrays.record(probe), is_last=True)


def _file_reporter(probe: "Probe", folder: str) -> "files.Report":
    own = os.path.join(os.path.realpath(folder), wire.PROCESSES), os.path.dirname(os.path.abspath(__file__))
    write = handouts.writer(probe)

    def report(event: str, path: str) -> None:
        if not path.startswith(own):
            write(event, path=path, at=System.now())

    return report


def _tell_what_is_in_force(probe: "Probe", factors: "Iterable[str]") -> None:
    if probe.is_told():
        in_force = importlib.import_module("samebits_probe.in_force")
        probe.event("in-force", facts=in_force.read(factors))


def _watch_generators(probe: "Probe") -> None:
    """Keep the states that Python and numpy give their generators.

    If a package draws during its import, the program has not drawn: the state after the import counts as given.
    """

    def keep(*names: str) -> None:
        probe.guard("random states", rng.keep_given, names)

    def before_an_import() -> "Callable[[], None]":
        keep_unused = probe.guard("random states", rng.keep_unused)
        return lambda: keep_unused and probe.guard("random states", keep_unused)

    hooks.around_imports.append(before_an_import)
    hooks.after_import("random", lambda module: keep("python"))
    hooks.after_import("numpy.random", lambda module: keep("numpy"))


def _watch_threads(probe: "Probe") -> None:
    """Report the threads that begin while a package is imported: those of its BLAS (see `UsageMeter`)."""

    known: "Set[int]" = set()

    def before_an_import() -> "Callable[[], None]":
        before = _threads()
        return lambda: probe.guard("threads", report, before)

    def report(before: "Set[int]") -> None:
        begun = _threads() - before - known
        known.update(begun)
        if begun:
            probe.event("threads", ids=sorted(begun))

    hooks.around_imports.append(before_an_import)


def _threads() -> "Set[int]":
    try:
        return set(map(int, System.listdir("/proc/self/task")))
    except OSError:
        return set()


def _installer(probe: "Probe", name: str, watcher: str) -> "hooks.ImportHook":
    def install(module: "Any") -> None:
        def run() -> None:
            importlib.import_module("samebits_probe.watchers." + watcher).install(module, probe)
            version = getattr(module, "__version__", "")
            probe.event("watcher", name=name, version=str(version))

        probe.guard("watcher " + name, run)

    return install


# -- what the process starts and becomes: programs, forks of itself, a different program by exec ----------------------
# It uses Python's audit events (3.8 and later). In older releases it wraps only `os.execv` and `os.execve`; the
# launcher sees the other processes in /proc.

_MOST_WORDS, _MOST_CHARACTERS = 20, 200
_MOST_PROGRAMS = 100
_OWN_POOLS = (os.sep + "multiprocessing" + os.sep, os.sep + "concurrent" + os.sep)


def _watch_children(event: "Callable[..., None]") -> None:
    """Call `event(name, **fields)` for exec, started and forked (see wire.py)."""
    children = _Children(event)
    if not hooks.add_audit_hook(children.notes()):
        for name in ("execv", "execve"):
            before(os, name, hooks.quietly(children.became))


class _Children:
    def __init__(self, event: "Callable[..., None]") -> None:
        self._event = event
        self._started: Set[str] = set()
        self._forked: Set[str] = set()

    def notes(self) -> "Dict[str, hooks.Note]":
        return {
            "os.exec": self.became,
            "subprocess.Popen": lambda executable, args, *_: self._starts(executable or _first(args), args),
            "os.posix_spawn": lambda path, argv, *_: self._starts(path, argv),
            "os.fork": self._forks,
            "os.forkpty": self._forks,
        }

    def became(self, path: "Argument", argv: "Argument", *_: "Any") -> None:
        """Note that the process asks to become a different program. If that fails, its later records show it."""
        self._event("exec", path=_text(path), argv=_words(argv))

    def _starts(self, path: "Argument", argv: "Argument") -> None:
        path = _text(path)
        if path not in self._started and len(self._started) < _MOST_PROGRAMS:
            self._started.add(path)
            self._event("started", path=path, argv=_words(argv))

    def _forks(self) -> None:
        """Note a fork by the program's own code. A pool's forks do not count: their results return to the program."""
        frame = sys._getframe(3)
        if frame is None or any(part in frame.f_code.co_filename for part in _OWN_POOLS):
            return
        place = "%s:%d" % (frame.f_code.co_filename, frame.f_lineno)
        if place not in self._forked:
            self._forked.add(place)
            self._event("forked", place=place)


def _first(args: "Argument") -> "Argument":
    return args if isinstance(args, (str, bytes)) or hasattr(args, "__fspath__") else list(args)[0]


def _words(argv: "Argument") -> "List[str]":
    words = [argv] if isinstance(argv, (str, bytes)) or hasattr(argv, "__fspath__") else list(argv)
    return [_text(word)[:_MOST_CHARACTERS] for word in words[:_MOST_WORDS]]


def _text(word: "Argument") -> str:
    return os.fsdecode(word) if isinstance(word, (str, bytes)) or hasattr(word, "__fspath__") else str(word)
