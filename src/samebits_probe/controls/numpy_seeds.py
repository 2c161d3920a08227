"""Seeds numpy's generators: the global one, and those that are made without a seed."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from .. import rng, worker_tasks
from ..replacement import Stream, replace
from .control import CODE, TOP, Control, Edit, drawn_from, held, seeded

if TYPE_CHECKING:
    from typing import Optional, Set, Tuple

    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks


class NumpySeed(Control):
    """Seeds numpy's global generator when numpy is imported, and before each task of a worker of joblib."""

    id = "numpy-seed"
    libraries = ("numpy.random",)
    is_seed = True
    generators = ("numpy",)
    acts_at_start = True
    edits = (Edit(TOP, "import numpy", "numpy.random.seed({seed})"),)
    hints = {"start": 3, "rng": 3, "batch": 4, "forward": 7, "gradient": 6, "update": 7, "structure": 5, "end": 2}

    def __init__(self) -> None:
        self._seeded_by_program = False
        self._drawn_by: "Set[Tuple[str, ...]]" = set()  # classes that drew in tasks of this process

    def after_import(self) -> "ImportHooks":
        return {"numpy.random": self._seed}

    def _seed(self, module: Any) -> None:
        seed_now, stream = module.seed, Stream(self.seed, "numpy")
        seed_now(self.seed % 2**32)

        def make(original: "AnyFunction") -> "AnyFunction":
            def seed(seed: Any = None) -> Any:
                self._seeded_by_program = self._seeded_by_program or seed is not None
                return original(self.fresh_seed(stream, 32) if seed is None else seed)

            return seed

        replace(module, "seed", make)
        module.mtrand.seed = module.seed
        worker_tasks.watch(lambda task: self.probe.guard("task of a worker", self._begin, task, seed_now, stream))

    def _begin(self, task: worker_tasks.Task, seed_now: "AnyFunction", stream: Stream) -> "Optional[worker_tasks.End]":
        """Seed the generator for a task. The program's seeds do not reach a worker, so note what draws there."""
        if self._seeded_by_program:
            return None
        seed_now(stream.bits(32))
        given = rng.numpy_state()

        def end() -> None:
            if rng.numpy_state() != given and not self._seeded_by_program:
                self._note(task)

        return lambda: self.probe.guard("task of a worker", end)

    def _note(self, task: worker_tasks.Task) -> None:
        names = tuple(task.unseeded())
        if names not in self._drawn_by:
            self._drawn_by.add(names)
            with self.probe.lock:  # a forked worker that observes nothing writes to the files of its parent
                self.probe.recorder.event("drew-in-worker", id=self.id, place=task.place, unseeded=names)

    def read_back(self) -> "ControlEffect":
        return seeded(self._seeded_by_program)


class NumpyGenerator(Control):
    """Gives a seed to each default_rng(), SeedSequence, bit generator and RandomState that is made without one."""

    id = "numpy-generator"
    libraries = ("numpy.random",)
    edits = (Edit(CODE, "numpy.random.default_rng({seed})  # a seed for each generator that has none"),)
    acts_at_start = True
    hints = {"start": 5, "rng": 5, "batch": 8, "forward": 9, "gradient": 8, "update": 11, "structure": 8, "end": 7}

    def after_import(self) -> "ImportHooks":
        return {"numpy.random": self._pin}

    def _pin(self, module: Any) -> None:
        source = _source()
        if source is None:
            raise RuntimeError("numpy %s draws its seeds in compiled code" % sys.modules["numpy"].__version__)
        source.randbits = Stream(self.seed, "numpy-generator", self.drawn).bits

    def read_back(self) -> "ControlEffect":
        stream: Any = getattr(_source().randbits, "__self__", None)
        is_held = stream.__class__ is Stream
        return drawn_from(stream) if is_held else held(False, "numpy draws its seeds from a different source now")


def _source() -> Any:
    """Return the module whose function `randbits` draws every seed from entropy; None if it has no such function."""
    name = "numpy.random.bit_generator"
    module = sys.modules.get(name) or importlib.import_module(name)
    return module if hasattr(module, "randbits") else None
