"""Keras of any version: one import name for two libraries that have little in common inside."""

import importlib
from typing import TYPE_CHECKING

from .objects import Library

if TYPE_CHECKING:
    from ..probe import Probe


def install(module: Library, probe: "Probe") -> None:
    """Hand the module to the watcher of its major version: Keras 3 and later, or the Keras before it."""
    major = int(str(getattr(module, "__version__", "0")).split(".")[0])
    name = "keras3.watcher" if major >= 3 else "keras2.watcher"
    importlib.import_module("samebits_probe.watchers." + name).install(module, probe)
