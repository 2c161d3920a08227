"""Tells which pass over its data a training makes, for PyTorch's loaders and the `fit` of Keras.

A loader that is only evaluated makes no step, so its passes are not told.
"""

from typing import TYPE_CHECKING, Any

from .. import hooks
from ..wrappers import after, before

if TYPE_CHECKING:
    from ..probe import Probe


def watch_loaders(probe: "Probe") -> None:
    """Note the pass to which the latest batch of a `DataLoader` belongs."""

    def begin(batches: Any, loader: Any) -> None:
        batches.samebits_pass = []  # a loader that keeps its workers returns the same iterator again

    def give(batch: Any, batches: Any) -> None:
        probe.data_pass = vars(batches).get("samebits_pass", probe.data_pass)

    def watch(module: Any) -> None:
        after(module.DataLoader, "__iter__", begin)
        names = "_BaseDataLoaderIter", "_SingleProcessDataLoaderIter", "_MultiProcessingDataLoaderIter"
        for iterator in (getattr(module, name) for name in names):
            if "__next__" in vars(iterator):  # before PyTorch 1.5, the first has none
                after(iterator, "__next__", give)

    hooks.after_import("torch.utils.data.dataloader", watch)


def watch_epochs(probe: "Probe", callbacks: Any) -> None:
    """Note each epoch of `fit`. `callbacks`: Keras' class that calls all callbacks."""

    def begin(*_: Any, **__: Any) -> None:
        probe.data_pass = []

    before(callbacks, "on_epoch_begin", begin)
