"""Replaces the entropy of the operating system that Python code asks for."""

import os
import sys
from typing import TYPE_CHECKING, Any, Optional

from ..replacement import Stream, replace
from .control import CODE, Control, Edit, drawn_from, held

if TYPE_CHECKING:
    from ..replacement import AnyFunction
    from .control import ControlEffect, ImportHooks


class Entropy(Control):
    """Replaces os.urandom, secrets, SystemRandom, uuid1 and uuid4 by a stream that depends only on the seed."""

    id = "entropy"
    is_strict = False  # it replaces the entropy that the program sees
    edits = (Edit(CODE, "# os.urandom, uuid4 and secrets take no seed: use random.Random({seed}) instead"),)
    calls = ("urandom", "uuid1", "uuid4", "token_bytes", "token_hex", "randbits", "randbelow", "SystemRandom")
    # batch: in a worker, before `dataloader-workers`, which leaves its seed out
    hints = {"start": 7, "rng": 8, "end": 5, "batch": 10, "forward": 12, "gradient": 11, "structure": 9}
    may_break = True
    is_experiment = True
    covers = ("numpy-seed", "numpy-generator")  # NumPy takes their seeds from `secrets`

    def at_start(self) -> None:
        self._stream = stream = Stream(self.seed, "entropy", self.drawn)
        self._draw = stream.bytes

        def make(_: "AnyFunction") -> "AnyFunction":
            def urandom(size: int) -> bytes:
                return stream.bytes(size)

            return urandom

        def make_getrandom(_: "AnyFunction") -> "AnyFunction":
            def getrandom(size: int, flags: int = 0) -> bytes:
                return stream.bytes(size)

            return getrandom

        self._urandom = replace(os, "urandom", make)
        replace(os, "getrandom", make_getrandom)

    def after_import(self) -> "ImportHooks":
        return {"random": self._pin_random, "uuid": self._pin_uuid}

    def _pin_random(self, module: Any) -> None:
        """Pin SystemRandom, and so `secrets`: they draw by the name `_urandom` of this module."""
        module._urandom = self._urandom

    def _pin_uuid(self, module: Any) -> None:
        draw = self._draw

        def make(_: "AnyFunction") -> "AnyFunction":
            def uuid1(node: "Optional[int]" = None, clock_seq: "Optional[int]" = None) -> Any:
                content = bytearray(draw(16))
                if node is not None:
                    content[10:] = node.to_bytes(6, "big")
                return module.UUID(bytes=bytes(content), version=1)

            return uuid1

        replace(module, "uuid1", make)

    def read_back(self) -> "ControlEffect":
        drawn = getattr(sys.modules.get("random"), "_urandom", os.urandom)
        is_held = os.urandom is self._urandom and drawn is os.urandom
        return drawn_from(self._stream) if is_held else held(False, "os.urandom was replaced")
