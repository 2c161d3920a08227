"""Turns on JAX's deterministic operators."""

import os
import sys
from typing import TYPE_CHECKING

from ..wire import HELD, UNDONE, UNREADABLE
from . import variables
from .control import SHELL, Control, Edit

if TYPE_CHECKING:
    from .control import ControlEffect, ImportHooks

_FLAG = "--xla_gpu_deterministic_ops=true"


class JaxDeterminism(Control):
    """Holds XLA's flag for deterministic operators on a GPU; on a CPU, JAX has no such switch."""

    id = "jax-determinism"
    libraries = ("jax",)
    edits = (Edit(SHELL, "export XLA_FLAGS=--xla_gpu_deterministic_ops=true"),)

    def after_import(self) -> "ImportHooks":
        # not before the process starts: an older XLA in a different library would end the process at an unknown flag
        return {"jax": lambda module: variables.hold({}, {"XLA_FLAGS": [_FLAG]})}

    def read_back(self) -> "ControlEffect":
        if _FLAG not in os.environ.get("XLA_FLAGS", "").split():
            return UNDONE, "XLA_FLAGS is %r" % os.environ.get("XLA_FLAGS")
        bridge = sys.modules.get("jax._src.xla_bridge")
        platforms = sorted(getattr(bridge, "_backends", {}))
        if platforms and "cuda" not in platforms and "gpu" not in platforms:
            return UNREADABLE, "JAX runs on %s here, where it has no such switch" % " and ".join(platforms)
        return HELD, ""
