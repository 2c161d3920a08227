"""Fixes the order in which tf.data returns elements."""

import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from .control import CODE, Control, Edit, held

if TYPE_CHECKING:
    from .control import ControlEffect, ImportHooks

# argument of a parallel method -> the value that replaces it
_SERIAL = {"num_parallel_calls": None, "deterministic": None}


class TfDataOrder(Control):
    """Holds tf.data to one order: no parallel calls in map, interleave and batch, deterministic options."""

    id = "tf-data-order"
    libraries = ("tensorflow",)
    edits = (Edit(CODE, "dataset.map(f, num_parallel_calls=n, deterministic=True)  # and no deterministic=False"),)
    calls = ("num_parallel_calls",)
    hints = {"batch": 2}

    def after_import(self) -> "ImportHooks":
        return {"tensorflow": self._hold}

    def _hold(self, module: Any) -> None:
        datasets = sys.modules["tensorflow.python.data.ops.dataset_ops"]
        for cls in (datasets.DatasetV2, datasets.DatasetV1):
            for name, method in [pair for pair in vars(cls).items() if isinstance(pair[1], types.FunctionType)]:
                if "num_parallel_calls" in inspect.signature(method).parameters:
                    setattr(cls, name, _serial(method))
        _hold_options(sys.modules.get("tensorflow.python.data.ops.options", datasets))

    def read_back(self) -> "ControlEffect":
        datasets = sys.modules["tensorflow.python.data.ops.dataset_ops"]
        return held(getattr(datasets.DatasetV2.map, "_samebits_serial", False), "Dataset.map was replaced")


def _serial(original: Any) -> Any:
    signature = inspect.signature(original)
    fixed = {name: value for name, value in _SERIAL.items() if name in signature.parameters}

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        for name in fixed:
            if name in bound.arguments:
                bound.arguments[name] = fixed[name]
        return original(*bound.args, **bound.kwargs)

    serial: Any = method
    serial._samebits_serial = True
    return serial


def _hold_options(module: Any) -> None:
    """Accept `options.deterministic = False`, but do not keep it (`experimental_deterministic` before 2.5)."""
    options = module.Options
    original = options.__setattr__

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if name in ("deterministic", "experimental_deterministic"):
            value = True
        original(self, name, value)

    options.__setattr__ = __setattr__
