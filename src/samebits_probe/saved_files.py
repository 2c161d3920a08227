"""Tells the launcher which files libraries save, wherever they are, and after which step of the training.

Their functions may write in C, C++ or Rust, which Python's audit events do not show.
"""

import functools
import os
import threading

from . import hooks
from .system import System
from .wrappers import before, guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

    from .probe import Probe

__all__ = ["watch", "watch_functions"]

# functions that write tensors of PyTorch into a file; `torch.save` calls the first one (by default from 1.6 on)
_FUNCTIONS = (
    ("torch.serialization", "_open_zipfile_writer"),
    ("safetensors.torch", "save_file"),
    ("lightning.fabric.utilities.cloud_io", "_atomic_save"),
    ("lightning_fabric.utilities.cloud_io", "_atomic_save"),
)


def watch(probe: "Probe") -> None:
    """Tell which files with tensors of PyTorch are saved."""
    for module, name in _FUNCTIONS:
        hooks.after_import(module, functools.partial(probe.guard, "saved files", watch_functions, probe, [name]))


def watch_functions(probe: "Probe", names: "Iterable[str]", owner: "Any") -> None:
    """Tell which files these functions of a module or a class save."""
    for name in names:
        if hasattr(owner, name):
            before(owner, name, guarded(probe, "saving", functools.partial(_tell, probe)))


def _tell(probe: "Probe", *given: "Any", **named: "Any") -> None:
    """Tell the file that a call saves: the first argument that is a path, or an open file with one."""
    for one in (*given, named.get("filepath"), named.get("filename")):
        path = getattr(one, "name", None) if hasattr(one, "write") else one
        if isinstance(path, (str, bytes, os.PathLike)):
            trains = probe.step and threading.current_thread() is probe.thread  # a different thread may save it late
            place = {"step": probe.step} if trains else {}
            probe.event("wrote", path=System.abspath(System.fsdecode(path)), at=System.now(), **place)
            return
