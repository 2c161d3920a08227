"""Called by `sitecustomize` in every Python below the command: the order in which the probe comes to life."""

import importlib
import json
import os

from . import files, imports, observing, signals, wire
from .controls import hold
from .watchers import WATCHERS


def start(config_path):
    """Start the probe of this process from the launcher's config.json."""
    with open(config_path) as file:
        config = json.load(file)
    if config["format"] != wire.FORMAT:
        raise RuntimeError("samebits_probe: config format %r is not %r" % (config["format"], wire.FORMAT))
    probe = observing.start(config)
    probe.guard("signals", signals.install)
    own = os.path.realpath(config["folder"]) + os.sep
    probe.guard("files", files.watch, lambda event, path: own + "processes" in path or probe.event(event, path=path))
    hold(config.get("controls") or [], config.get("seed"), probe)
    probe.last_step.append(lambda: _tell_what_is_in_force(probe))
    for library, watcher in WATCHERS.items():
        imports.after(library, _installer(probe, watcher))


def _tell_what_is_in_force(probe):
    if probe.is_told():
        in_force = importlib.import_module("samebits_probe.in_force")
        probe.event("in-force", facts=in_force.read())


def _installer(probe, watcher):
    def install(module):
        def run():
            importlib.import_module("samebits_probe.watchers." + watcher).install(module, probe)
            version = getattr(module, "__version__", "")
            probe.event("watcher", name=watcher, version=str(version))

        probe.guard("watcher " + watcher, run)

    return install
