"""Turns on TensorFlow's deterministic operators."""

import functools
import mmap
import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List

from ..wire import HELD, UNDONE
from .control import SHELL, TOP, Control, Edit, held, loaded_libraries

if TYPE_CHECKING:
    from .control import ControlEffect, ImportHooks

_VARIABLES = ("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC")


class TfDeterminism(Control):
    """Turns on TensorFlow's deterministic operators: enable_op_determinism(), or two variables in older releases."""

    id = "tf-determinism"
    libraries = ("tensorflow",)
    needs = ("tf-seed",)  # otherwise random operators without a seed raise an error
    edits = (
        Edit(
            TOP,
            "tensorflow.keras.utils.set_random_seed({seed})",
            "tensorflow.config.experimental.enable_op_determinism()",
        ),
        Edit(SHELL, "export TF_DETERMINISTIC_OPS=1 TF_CUDNN_DETERMINISTIC=1  # before TensorFlow 2.9", instead=True),
    )
    hints = {"forward": 2, "gradient": 2, "update": 3}
    may_break = True  # TensorFlow refuses operators that have no deterministic kernel

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {name: "true" for name in _VARIABLES}  # as in the paper's Code 2

    def after_import(self) -> "ImportHooks":
        return {"tensorflow": self._enable}

    def _enable(self, module: Any) -> None:
        enable = getattr(module.config.experimental, "enable_op_determinism", None) if _has_config(module) else None
        if enable is not None:
            enable()

    def read_back(self) -> "ControlEffect":
        config: Any = sys.modules.get("tensorflow.python.framework.config")
        if hasattr(config, "is_op_determinism_enabled"):
            return held(config.is_op_determinism_enabled(), "op determinism is not enabled")
        unset = [name for name in _VARIABLES if os.environ.get(name) not in ("1", "true")]
        if unset:
            return UNDONE, "%s is %r" % (unset[0], os.environ.get(unset[0]))
        return _is_read_by_some_library()


def _has_config(module: Any) -> bool:
    return hasattr(module, "config") and hasattr(module.config, "experimental")


@functools.lru_cache(maxsize=None)  # the libraries are large
def _is_read_by_some_library() -> "ControlEffect":
    """Return the effect of the variables: whether a loaded library knows them. Builds without CUDA do not."""
    found = [name for name in _VARIABLES if any(_holds(path, name) for path in _tensorflow_libraries())]
    if not found:
        return UNDONE, "no library of this TensorFlow reads %s or %s" % _VARIABLES
    return HELD, "this TensorFlow reads %s only" % found[0] if len(found) < len(_VARIABLES) else ""


def _tensorflow_libraries() -> "List[str]":
    return [path for path in loaded_libraries() if "tensorflow" in path and os.path.getsize(path)]


def _holds(path: str, name: str) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(name.encode() + b"\0") >= 0
