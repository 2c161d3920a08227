"""Tells that the program used a random generator without a seed, where the recorded states do not show it.

The states of `numpy.random.default_rng()` and `random.Random()` are not recorded, so a number that differs may come
from them. PyTorch's generator may get its seed after the weights were drawn: a `Trainer` of Transformers sets one.
"""

import functools
import sys

from . import callers, hooks, rng
from .replacement import replace
from .wrappers import before

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Set

    from .probe import Probe
    from .replacement import AnyFunction

    Tell = Callable[[str], None]


def watch(probe: "Probe") -> None:
    """Tell it once for each library, unless a control gives these generators a seed."""
    held = probe.config.get("controls") or []
    told: "Set[str]" = set()

    def tell(generator: str) -> None:
        if generator not in told:
            told.add(generator)
            probe.event("unseeded", generator=generator)

    if "numpy-generator" not in held:
        hooks.after_import("numpy.random", functools.partial(_watch_numpy, tell))
    if "python-seed" not in held:
        hooks.after_import("random", functools.partial(_watch_python, tell))
    if "torch-seed" not in held:
        hooks.after_import("torch", functools.partial(_watch_torch, tell))


def _watch_numpy(tell: "Tell", module: "Any") -> None:
    def make(original: "AnyFunction") -> "AnyFunction":
        def randbits(*number: "Any") -> "Any":
            if callers.is_program(1):  # what is between is compiled
                tell("own-numpy")
            return original(*number)

        return randbits

    source = sys.modules.get("numpy.random.bit_generator")
    if hasattr(source, "randbits"):
        replace(source, "randbits", make)


def _watch_python(tell: "Tell", module: "Any") -> None:
    def seeded(self: "Any", a: "Any" = None, *_: "Any", **__: "Any") -> None:
        if a is None and callers.kind_beyond(module.__file__) == callers.PROGRAM:
            tell("own-python")

    before(module.Random, "seed", seeded)


def _watch_torch(tell: "Tell", module: "Any") -> None:
    is_first = iter([True])

    def seeded(*_: "Any", **__: "Any") -> None:
        if next(is_first, False) and "torch" in rng.GIVEN.keys() - rng.untouched():
            tell("torch")

    before(module.random, "manual_seed", seeded)
    module.manual_seed = module.random.manual_seed
