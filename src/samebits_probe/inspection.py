"""A closer look that the launcher asks for: what is executed within one step.

It is off unless config.json asks for it (see wire.py), and costs a comparison with None then.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from . import wire
from .system import System
from .tensor_log import TensorWriter

if TYPE_CHECKING:
    from .fingerprint import Dtype, Shape, Tensor
    from .probe import Probe
    from .wire import InspectionRequest

Output = List[Any]  # of a tensor: [dtype, shape, fingerprint in hex or None, number or None]
_MOST_BYTES = 1 << 28
_FEW = 16  # elements of a constant that are written as numbers


def argument(value: Any, named: Tuple[type, ...] = ()) -> Optional[str]:
    """An argument that is no tensor, as exact text. `named`: types whose text says all of them.

    None for what says nothing of what is computed (generators, devices, functions), and for lists that hold such.
    """
    if isinstance(value, (list, tuple)):
        items: List[Any] = [argument(one, named) for one in value]
        return None if None in items else "[%s]" % ", ".join(items)
    if value is None or isinstance(value, (bool, named)):
        return str(value)
    kind = next((kind for kind in (int, float, complex, str) if isinstance(value, kind)), None)
    return kind.__repr__(value) if kind is not None else None  # a subclass may have its own text


def numbers(value: Any) -> Optional[str]:
    """An attribute's number, or list of numbers, as text; None for anything else."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return argument(value) if all(isinstance(one, (int, float)) for one in several) else None


def constant(array: Any) -> Optional[str]:
    """A constant array of NumPy, as exact text while it is small."""
    if array.size <= _FEW:
        return argument(array.tolist())
    return "%s %s %s" % (array.dtype, list(array.shape), hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest())


class Inspection:
    """What is executed within one step, in its order. Watchers add to it while `is_on()`."""

    def __init__(self, probe: "Probe", want: "InspectionRequest") -> None:
        self._probe = probe
        self.step, self.level = want["step"], want["level"]
        self._writer = TensorWriter(probe, want.get("most", _MOST_BYTES))
        # functions that watchers have called at the first sign of the step, and after it
        self.began: List[Callable[[], Any]] = []
        self.ended: List[Callable[[], Any]] = []
        self._lines: List[Dict[str, Any]] = []
        self._kept: List[Tensor] = []  # written when the step is over: a write takes time, which can hide a race
        self._written = 0

    def is_on(self) -> bool:
        """Whether the step that runs is the one."""
        return self._probe.step == self.step

    def begin_step(self) -> None:
        """The first sign of a step."""
        if self.is_on():
            for function in self.began:
                function()

    def end_step(self) -> None:
        """The step is over: nothing more is looked at, and what was seen is written."""
        if self.is_on():
            for function in self.ended:
                function()
            self._write()

    def output(
        self,
        dtype: "Dtype",
        shape: "Shape",
        fingerprint: Optional[bytes],
        content: Optional[Callable[[], bytes]] = None,
    ) -> Output:
        """What `add` takes for a tensor. `content`: function() -> its bytes, called while there is room for them."""
        shape, number = [int(n) for n in shape], None
        if content is not None and self._writer.left > 0:
            data = bytes(content())
            if self._writer.reserve(len(data)):
                number = self._written + len(self._kept)
                self._kept.append((str(dtype), shape, data))
        return [str(dtype), shape, fingerprint.hex() if fingerprint else None, number]

    def add(self, phase: str, what: str, name: str, outputs: Iterable[Output] = (), **fields: Any) -> None:
        """One thing that was executed; `fields` as wire.py lists them, empty ones left out."""
        line = {"phase": phase, "what": what, "name": name, "outputs": list(outputs)}
        line.update((key, value) for key, value in fields.items() if value or key == "inputs")
        self._lines.append(line)

    def note(self, text: str) -> None:
        """Something to say of the look itself: what it changed, or what it could not see."""
        self.add("", "note", text)

    def _write(self) -> None:
        for number, tensor in enumerate(self._kept, self._written):
            self._writer.write("output", str(number), tensor)
        lines = "".join(System.dumps(line, default=str) + "\n" for line in self._lines)
        self._probe.recorder.write(wire.DETAILS, lines.encode())
        self._written += len(self._kept)
        del self._lines[:], self._kept[:]
