"""Tells which pass over its data a training makes, for PyTorch's loaders and the `fit` of Keras.

A loader that only feeds an evaluation makes no step, so its passes are not recorded.
"""

import functools
from typing import TYPE_CHECKING, Any, List

from .. import hooks
from ..wrappers import after, before

if TYPE_CHECKING:
    from ..probe import Probe


class DataPasses:
    """The passes of one process. `latest`: the step with which the pass of the latest batch began; empty until then."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self.latest: List[int] = [0]

    def end_step(self) -> None:
        """Tell the pass if this step is its first."""
        if not self.latest:
            self.latest.append(self._probe.step)
            self._probe.event("pass", step=self._probe.step)


@functools.lru_cache(maxsize=None)  # once for each probe
def _passes_of(probe: "Probe") -> DataPasses:
    passes = DataPasses(probe)
    probe.closers.append(passes)
    return passes


def watch_loaders(probe: "Probe") -> None:
    """Note the pass to which the latest batch of a `DataLoader` belongs."""
    passes = _passes_of(probe)

    def begin(batches: Any, loader: Any) -> None:
        batches.samebits_pass = []  # a loader that keeps its workers returns the same iterator again

    def give(batch: Any, batches: Any) -> None:
        passes.latest = vars(batches).get("samebits_pass", passes.latest)

    def watch(module: Any) -> None:
        after(module.DataLoader, "__iter__", begin)
        names = "_BaseDataLoaderIter", "_SingleProcessDataLoaderIter", "_MultiProcessingDataLoaderIter"
        for iterator in (getattr(module, name) for name in names):
            if "__next__" in vars(iterator):  # before PyTorch 1.5, the first has none
                after(iterator, "__next__", give)

    hooks.after_import("torch.utils.data.dataloader", watch)


def watch_epochs(probe: "Probe", callbacks: Any) -> None:
    """Note each epoch of `fit`. `callbacks`: Keras' class that calls all callbacks."""
    passes = _passes_of(probe)

    def begin(*_: Any, **__: Any) -> None:
        passes.latest = []

    before(callbacks, "on_epoch_begin", begin)
