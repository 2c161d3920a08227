"""Controls of PyTorch's DataLoader: of its worker processes, and of their seeds."""

import functools
import sys
import weakref

from ..wire import HELD, UNDONE
from .control import CODE, OWN, Control, Edit, held, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set

    from .control import ControlEffect, ImportHooks, VariedMachine

_MODULE = "torch.utils.data.dataloader"
# arguments for a loader without workers; the last four are refused, or have no effect, without workers
_WITHOUT: "Dict[str, Any]" = {
    "num_workers": 0,
    "prefetch_factor": None,
    "persistent_workers": False,
    "multiprocessing_context": None,
    "timeout": 0,
}


class DataloaderWorkers(Control):
    """Makes every PyTorch DataLoader load in the main process: no workers."""

    id = "dataloader-workers"
    libraries = ("torch",)
    value = "0"
    values = "a number of workers from 0 to 99, or own (as many as the program says: counted, not held)"
    is_strict = False  # it is slow, and a program that repeats with workers does not need it
    edits = (
        Edit(
            CODE,
            "DataLoader(..., num_workers=0)  # or in_order=True, and worker_init_fn that seeds what it uses",
            "# A seed from the clock, os.urandom() or a process id differs in each run: see worker_init_fn",
        ),
    )
    calls = ("DataLoader",)
    hints = {"batch": 10}
    factor = "dataloader-workers"
    varies = "The number of workers of each PyTorch DataLoader."
    takes = "own (as the program says), or numbers of workers"
    no_effect = "no DataLoader was made"
    seen: "Set[int]" = set()  # the numbers of workers of all loaders that this process has made

    @classmethod
    def accepts(cls, value: str) -> bool:
        return value == OWN or 0 <= whole_number(value) < 100

    def __init__(self) -> None:
        self._loaders: "weakref.WeakSet[Any]" = weakref.WeakSet()

    def _changes(self) -> "Dict[str, Any]":
        """Return the arguments of a DataLoader to replace."""
        if self.value == OWN:
            return {}
        return _WITHOUT if self.value == "0" else {"num_workers": int(self.value)}

    def after_import(self) -> "ImportHooks":
        return {_MODULE: self._hold}

    def _hold(self, module: "Any") -> None:
        original = module.DataLoader.__init__
        import inspect  # here, because each trial imports this module to read the number of workers

        signature = inspect.signature(original)
        defaults = {name: p.default for name, p in signature.parameters.items()}
        loaders, changes = self._loaders, self._changes()

        @functools.wraps(original)
        def __init__(self: "Any", *args: "Any", **kwargs: "Any") -> None:
            bound = signature.bind(self, *args, **kwargs)
            for name, value in changes.items():
                if name in bound.arguments or value:
                    # releases before 2.0 do not take None for prefetch_factor
                    bound.arguments[name] = defaults[name] if name == "prefetch_factor" else value
            original(*bound.args, **bound.kwargs)
            loaders.add(self)
            DataloaderWorkers.seen.add(self.num_workers)

        module.DataLoader.__init__ = __init__

    def read_back(self) -> "ControlEffect":
        others = [loader for loader in list(self._loaders) if str(loader.num_workers) != self.value]
        if others and self.value != OWN:
            return UNDONE, "a DataLoader has num_workers=%d" % others[0].num_workers
        return HELD, ""

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return ["0", "2"]

    @classmethod
    def at_own(cls, machine: "VariedMachine") -> "Optional[str]":
        return OWN  # it counts the workers, and changes nothing

    @staticmethod
    def in_force() -> "Optional[str]":
        return ", ".join(map(str, sorted(DataloaderWorkers.seen))) or None


class DataloaderSeed(Control):
    """Seeds python, numpy and torch in each worker of a PyTorch DataLoader; the program's worker_init_fn runs later."""

    id = "dataloader-seed"
    libraries = ("torch",)
    is_seed = True
    edits = (
        Edit(
            CODE,
            "DataLoader(..., generator=torch.Generator().manual_seed({seed}), worker_init_fn=seed_worker)",
            "def seed_worker(worker): random.seed({seed} + worker); numpy.random.seed({seed} + worker)",
        ),
    )
    calls = ("DataLoader",)
    hints = {"rng": 6, "batch": 9}

    def after_import(self) -> "ImportHooks":
        return {_MODULE: self._hold}

    def _hold(self, module: "Any") -> None:
        seed, count = self.seed, [0]
        original = module.DataLoader.__iter__

        @functools.wraps(original)
        def __iter__(self: "Any") -> "Any":
            if self.num_workers > 0:
                if not isinstance(self.worker_init_fn, SeededWorker):
                    self.worker_init_fn = SeededWorker(self.worker_init_fn, seed, count[0])
                    count[0] += 1
                self.worker_init_fn.epoch += 1
            return original(self)

        module.DataLoader.__iter__ = self._iterate = __iter__
        self._held = module.DataLoader

    def read_back(self) -> "ControlEffect":
        function = self._held.__iter__
        while function not in (None, self._iterate):  # functions may be wrapped around it
            function = getattr(function, "__wrapped__", None)
        return held(function is not None, "DataLoader.__iter__ was replaced")


class SeededWorker:
    """The function that a worker calls first; pickle brings it to spawned workers. `loader`, `epoch`: their numbers."""

    def __init__(self, own: "Optional[Callable[[int], Any]]", seed: int, loader: int) -> None:
        self.own, self.seed, self.loader, self.epoch = own, seed, loader, -1

    def __call__(self, worker: int) -> None:
        text = "%d %d %d %d" % (self.seed, self.loader, self.epoch, worker)
        import hashlib
        import random

        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
        random.Random.seed(random._inst, seed)
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].mtrand._rand.seed(seed % 2**32)
        sys.modules["torch"].random.default_generator.manual_seed(seed % 2**63)
        if self.own is not None:
            self.own(worker)
