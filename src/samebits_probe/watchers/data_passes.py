"""Tells which pass over its data a training makes, for PyTorch's loaders and the `fit` of Keras.

A loader that is only evaluated makes no step, so its passes are not told.
"""

import functools
from typing import TYPE_CHECKING, Any

from .. import hooks
from ..replacement import replace

if TYPE_CHECKING:
    from ..probe import Probe
    from ..replacement import AnyFunction


def watch_loaders(probe: "Probe") -> None:
    """Note the pass to which the latest batch of a `DataLoader` belongs."""
    hooks.after_import("torch.utils.data.dataloader", functools.partial(_watch_iterators, probe))


def _watch_iterators(probe: "Probe", module: Any) -> None:
    def make_iter(original: "AnyFunction") -> "AnyFunction":
        def __iter__(self: Any) -> Any:
            batches = original(self)
            batches.samebits_pass = []  # a loader that keeps its workers returns the same iterator again
            return batches

        return __iter__

    def make_next(original: "AnyFunction") -> "AnyFunction":
        def __next__(self: Any) -> Any:
            batch = original(self)
            probe.data_pass = vars(self).get("samebits_pass", probe.data_pass)
            return batch

        return __next__

    replace(module.DataLoader, "__iter__", make_iter)
    names = "_BaseDataLoaderIter", "_SingleProcessDataLoaderIter", "_MultiProcessingDataLoaderIter"
    for iterator in (getattr(module, name) for name in names):
        if "__next__" in vars(iterator):  # before PyTorch 1.5, the first has none
            replace(iterator, "__next__", make_next)


def watch_epochs(probe: "Probe", callbacks: Any) -> None:
    """Note each epoch of `fit`. `callbacks`: Keras' class that calls all callbacks."""

    def make(original: "AnyFunction") -> "AnyFunction":
        def on_epoch_begin(self: Any, epoch: int, logs: Any = None) -> Any:
            probe.data_pass = []
            return original(self, epoch, logs)

        return on_epoch_begin

    replace(callbacks, "on_epoch_begin", make)
