"""Starts the probe, in a fixed order. `sitecustomize` calls it in every Python process of the command."""

import importlib
import json
import os

from . import api, children, files, imports, rng, signals, wire
from .controls import hold
from .system import System
from .watchers import WATCHERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Set

    from .probe import Probe
    from .wire import Config

_GLOBALS = "samebits_probe.watchers.global_arrays"  # needed at the end, when the import system may no longer work


def start(config_path: str) -> None:
    """Start the probe of this process from the launcher's config.json."""
    with open(config_path) as file:
        config: "Config" = json.load(file)
    if config["format"] != wire.FORMAT:
        raise RuntimeError("samebits_probe: config format %r is not %r" % (config["format"], wire.FORMAT))
    probe = api.start(config)
    probe.guard("signals", signals.install)
    look_for = probe.guard("files", files.watch, _file_reporter(probe, config["folder"]), config.get("left") or [])
    if look_for is not None:
        probe.after_wait.append(look_for)
    probe.guard("children", children.watch, probe.event)
    hold(config.get("controls") or [], config.get("seed"), probe)
    probe.last_step.append(lambda: _tell_what_is_in_force(probe, config.get("factors") or []))
    _watch_generators(probe)
    _watch_threads(probe)
    if config.get("draws"):
        probe.guard("draws", _watch_draws, probe)
    imports.after("numpy", lambda module: probe.guard("globals", importlib.import_module, _GLOBALS))
    for library, (name, watcher) in WATCHERS.items():
        imports.after(library, _installer(probe, name, watcher))


def _file_reporter(probe: "Probe", folder: str) -> "files.Report":
    own = os.path.join(os.path.realpath(folder), wire.PROCESSES), os.path.dirname(os.path.abspath(__file__))

    def report(event: str, path: str) -> None:
        if path.startswith(own):
            return
        if System.getpid() == probe.pid:
            probe.event(event, path=path, at=System.now())
        else:  # a forked child that observes nothing has no files: write to those of its parent
            probe.recorder.event(event, path=path, at=System.now(), pid=System.getpid())

    return report


def _tell_what_is_in_force(probe: "Probe", factors: "Iterable[str]") -> None:
    if probe.is_told():
        in_force = importlib.import_module("samebits_probe.in_force")
        probe.event("in-force", facts=in_force.read(factors))


def _watch_generators(probe: "Probe") -> None:
    """Keep the states that Python and numpy give their generators.

    If a library draws during its import, the program has not drawn: the state after the import counts as given.
    """

    def keep(names: "Iterable[str]") -> None:
        probe.guard("random states", rng.keep_given, names)

    def before_an_import() -> "Callable[[], None]":
        names = probe.guard("random states", rng.untouched) or []
        return lambda: keep(names)

    imports.around.append(before_an_import)
    imports.after("random", lambda module: keep(["python"]))
    imports.after("numpy.random", lambda module: keep(["numpy"]))


def _watch_threads(probe: "Probe") -> None:
    """Report the threads that begin while a library is imported: those of its BLAS (see `UsageMeter`)."""

    known: "Set[int]" = set()

    def before_an_import() -> "Callable[[], None]":
        before = _threads()
        return lambda: probe.guard("threads", report, before)

    def report(before: "Set[int]") -> None:
        begun = _threads() - before - known
        known.update(begun)
        if begun:
            probe.event("threads", ids=sorted(begun))

    imports.around.append(before_an_import)
    imports.after("scipy.linalg", lambda module: None)  # it is expected only because SciPy brings a BLAS of its own


def _threads() -> "Set[int]":
    try:
        return set(map(int, System.listdir("/proc/self/task")))
    except OSError:
        return set()


def _watch_draws(probe: "Probe") -> None:
    importlib.import_module("samebits_probe.draws").watch(probe)


def _installer(probe: "Probe", name: str, watcher: str) -> "imports.ImportHook":
    def install(module: "Any") -> None:
        def run() -> None:
            importlib.import_module("samebits_probe.watchers." + watcher).install(module, probe)
            version = getattr(module, "__version__", "")
            probe.event("watcher", name=name, version=str(version))

        probe.guard("watcher " + name, run)

    return install
