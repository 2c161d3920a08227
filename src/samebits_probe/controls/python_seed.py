"""Seeds Python's `random`: the hidden generator of the module, and each Random() without a seed."""

from functools import partial
from typing import TYPE_CHECKING, Any, Optional

from .. import callers, worker_tasks
from ..replacement import Stream, replace
from .control import TOP, Control, Edit, seeded

if TYPE_CHECKING:
    from typing import Callable

    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks


class _Seeds:
    """The seeding of `random` so far. `fresh`: returns a seed for a call that gives none."""

    by_program = False
    fresh: "Optional[Callable[[], int]]" = None


def watch(module: Any) -> None:
    """Note from now on if the program seeds `random` with a value."""
    replace(module, "seed", _watched)


def seeded_by_program() -> bool:
    """Return whether the program has given `random` its own seed."""
    return _Seeds.by_program


def _watched(original: "AnyFunction") -> "AnyFunction":
    def seed(a: Any = None, *args: Any, **kwargs: Any) -> Any:
        if a is not None:
            _Seeds.by_program = True
        elif _Seeds.fresh is not None:
            a = _Seeds.fresh()
        return original(a, *args, **kwargs)

    return seed


class PythonSeed(Control):
    """Seeds Python's `random` at import and before each task of a joblib worker, and each Random() without a seed."""

    id = "python-seed"
    libraries = ("random",)
    is_seed = True
    generators = ("python",)
    acts_at_start = True
    edits = (Edit(TOP, "import random", "random.seed({seed})"),)
    hints = {"start": 4, "rng": 4, "batch": 3, "forward": 8, "gradient": 5, "update": 8, "structure": 4, "end": 1}

    def after_import(self) -> "ImportHooks":
        return {"random": self._seed}

    def _seed(self, module: Any) -> None:
        seed_now, tasks = module.seed, Stream(self.seed, "random task")
        seed_now(self.seed)
        worker_tasks.watch(lambda task: None if _Seeds.by_program else seed_now(tasks.bits(256)))
        _Seeds.fresh = fresh = partial(self.fresh_seed, Stream(self.seed, "random"), 256)
        watch(module)

        def make(original: "AnyFunction") -> "AnyFunction":
            def seed(self: Any, a: Any = None, version: int = 2) -> Any:
                # those of the standard library (for names of temporary files) do not belong to the program
                if a is None and callers.kind_beyond(module.__file__) != callers.STANDARD:
                    a = fresh()
                return original(self, a, version)

            return seed

        replace(module.Random, "seed", make)

    def read_back(self) -> "ControlEffect":
        return seeded(seeded_by_program())
