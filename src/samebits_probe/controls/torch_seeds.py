"""Seeds PyTorch's generators: the CPU generator, and those of CUDA devices."""

import sys
from typing import TYPE_CHECKING, Any

from .. import worker_tasks
from ..replacement import Stream, replace
from ..wire import UNREADABLE
from .control import TOP, Control, Edit, seeded

if TYPE_CHECKING:
    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks


class TorchSeed(Control):
    """Seeds PyTorch's CPU generator when torch is imported, and before each task of a worker of joblib."""

    id = "torch-seed"
    libraries = ("torch",)
    is_seed = True
    generators = ("torch",)
    acts_at_start = True
    edits = (Edit(TOP, "import torch", "torch.manual_seed({seed})"),)
    hints = {"start": 1, "rng": 1, "batch": 6, "forward": 5, "gradient": 6, "update": 9, "structure": 7, "end": 6}

    def after_import(self) -> "ImportHooks":
        return {"torch": self._seed}

    def _seed(self, module: Any) -> None:
        generator = module.random.default_generator
        generator.manual_seed(self.seed)
        self._last = self.seed
        stream = Stream(self.seed, "torch")

        def begin(_: worker_tasks.Task) -> None:
            if generator.initial_seed() == self._last:  # the program has not seeded it
                self._last = stream.bits(63)
                generator.manual_seed(self._last)

        worker_tasks.watch(begin)

        def make(original: "AnyFunction") -> "AnyFunction":
            def seed() -> int:
                """Set and return a fresh seed: from the control's stream on the CPU, and as in the original on CUDA."""
                original()
                fresh = self.fresh_seed(stream, 63)
                generator.manual_seed(fresh)
                return fresh

            return seed

        replace(module.random, "seed", make)
        module.seed = module.random.seed

    def read_back(self) -> "ControlEffect":
        return seeded(sys.modules["torch"].initial_seed() != self._last)


class CudaSeed(Control):
    """Seeds PyTorch's generators of all CUDA devices when torch is imported."""

    id = "cuda-seed"
    libraries = ("torch",)
    is_seed = True
    generators = ("torch-cuda",)
    acts_at_start = True
    edits = (Edit(TOP, "import torch", "torch.cuda.manual_seed_all({seed})"),)

    def after_import(self) -> "ImportHooks":
        return {"torch": self._seed}

    def _seed(self, module: Any) -> None:
        if self._is_built():
            module.cuda.manual_seed_all(self.seed)  # torch keeps the seed until CUDA is used for the first time

    def read_back(self) -> "ControlEffect":
        if not self._is_built():
            return UNREADABLE, "this PyTorch is built without CUDA"
        if not getattr(sys.modules["torch"].cuda, "_initialized", False):
            return UNREADABLE, "CUDA is not in use"
        return seeded(sys.modules["torch"].cuda.initial_seed() != self.seed)

    @staticmethod
    def _is_built() -> bool:
        return sys.modules["torch"].version.cuda is not None
