"""Fixes TensorFlow's seed, and the seeds that Keras 3 layers draw if they get none."""

import sys
from typing import TYPE_CHECKING, Any

from ..replacement import Stream, replace
from ..wrappers import after
from . import python_seed
from .control import TOP, Control, Edit, seeded

if TYPE_CHECKING:
    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks


class TfSeed(Control):
    """Seeds TensorFlow when it is imported (before 2.0: each new graph), and Keras 3 layers without a seed."""

    id = "tf-seed"
    libraries = ("tensorflow", "keras")
    is_seed = True
    generators = ("tensorflow",)
    acts_at_start = True
    edits = (
        Edit(TOP, "import keras", "keras.utils.set_random_seed({seed})  # Keras 3", library="keras"),
        Edit(
            TOP,
            "import tensorflow",
            "tensorflow.random.set_seed({seed})  # before 2: set_random_seed",
            library="tensorflow",
            instead=True,
        ),
    )
    hints = {"start": 2, "rng": 2, "batch": 7, "forward": 6, "gradient": 7, "update": 10, "structure": 7, "end": 6}

    def after_import(self) -> "ImportHooks":
        return {
            "random": python_seed.watch,  # if the program seeds it, Keras 3 uses that seed
            "tensorflow": self._seed_tensorflow,
            "keras.src.random.seed_generator": self._pin_keras,
        }

    def _seed_tensorflow(self, module: Any) -> None:
        self._seed_graphs(sys.modules["tensorflow.python.framework.ops"].Graph)
        if module.__version__.startswith("1."):
            module.compat.v1.set_random_seed(self.seed)
        else:
            module.random.set_seed(self.seed)
        self._pin_generators(module)

    def _seed_graphs(self, graph: Any) -> None:
        """Give the seed to each graph that is made later (K.clear_session() makes one)."""

        def made(_: None, new: Any, *__: Any, **___: Any) -> None:
            if new.seed is None:
                new.seed = self.seed

        after(graph, "__init__", made)

    def _pin_generators(self, module: Any) -> None:
        """Pin generators that are made from entropy: from_non_deterministic_state(), and the global one."""
        ops: Any = sys.modules.get("tensorflow.python.ops.stateful_random_ops")
        if ops is None:
            return
        stream = Stream(self.seed, "tensorflow")

        def from_non_deterministic_state(cls: Any, alg: Any = None) -> Any:
            return cls.from_seed(stream.bits(63), alg)

        def make(original: "AnyFunction") -> "AnyFunction":
            def get_global_generator() -> Any:
                if ops.global_generator is None:  # with op determinism, the original refuses to make it
                    ops.global_generator = ops.Generator.from_seed(stream.bits(63))
                return original()

            return get_global_generator

        ops.Generator.from_non_deterministic_state = classmethod(from_non_deterministic_state)
        for place in (ops, module.random, getattr(module.random, "experimental", None)):
            replace(place, "get_global_generator", make)

    def _pin_keras(self, module: Any) -> None:
        """Pin the seeds that Keras 3 layers draw from Python's `random`, unless the program seeds it."""
        stream = Stream(self.seed, "keras")

        def make(original: "AnyFunction") -> "AnyFunction":
            def make_default_seed() -> Any:
                return original() if python_seed.seeded_by_program() else 1 + stream.bits(64) % 10**9

            return make_default_seed

        replace(module, "make_default_seed", make)

    def read_back(self) -> "ControlEffect":
        own = python_seed.seeded_by_program() if "tensorflow" not in sys.modules else _seed_now() != self.seed
        return seeded(own)


def _seed_now() -> Any:
    """Return the seed that TensorFlow's next random operator would get."""
    context = sys.modules["tensorflow.python.eager.context"]
    if context.executing_eagerly():
        return context.global_seed()
    return sys.modules["tensorflow.python.framework.ops"].get_default_graph().seed
