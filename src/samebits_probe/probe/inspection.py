"""Inspects one step for the launcher: records the modules or operators that are executed within it.

Unless config.json asks for it (see wire.py), it is off, and costs only a comparison with None.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple

from .. import wire
from ..system import System
from .tensor_log import TensorWriter

if TYPE_CHECKING:
    from ..fingerprint import Dtype, Shape, Tensor
    from ..wire import InspectionRequest
    from . import Probe

Output = List[Any]  # a tensor: [dtype, shape, fingerprint in hex or None, number of its values or None]
_MOST_BYTES = 1 << 28
_FEW = 16  # a constant with at most so many elements is written as numbers


def argument(value: Any, named: Tuple[type, ...] = ()) -> Optional[str]:
    """Return an argument that is not a tensor as exact text. `named`: types whose text identifies the value.

    None for values that do not decide what is computed (generators, devices, functions), and for lists of such values.
    """
    if isinstance(value, (list, tuple)):
        items: List[Any] = [argument(one, named) for one in value]
        return None if None in items else "[%s]" % ", ".join(items)
    if value is None or isinstance(value, (bool, named)):
        return str(value)
    kind = next((kind for kind in (int, float, complex, str) if isinstance(value, kind)), None)
    return kind.__repr__(value) if kind is not None else None  # not `repr`, because a subclass may have its own text


def numbers(value: Any) -> Optional[str]:
    """Return a number, or a list of numbers, as text; None for any other value."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return argument(value) if all(isinstance(one, (int, float)) for one in several) else None


def constant(array: Any) -> Optional[str]:
    """Return a constant array of NumPy as text: exact if the array is small, else with a digest."""
    if array.size <= _FEW:
        return argument(array.tolist())
    return "%s %s %s" % (array.dtype, list(array.shape), hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest())


class Inspection:
    """The modules or operators that one step executes, in order. Watchers add to it while `is_on()`."""

    def __init__(self, probe: "Probe", want: "InspectionRequest") -> None:
        self._probe = probe
        self.step, self.level = want["step"], want["level"]
        self._writer = TensorWriter(probe, want.get("most", _MOST_BYTES))
        # functions of watchers, to be called at the beginning of the step, and at its end
        self.began: List[Callable[[], Any]] = []
        self.ended: List[Callable[[], Any]] = []
        self._lines: List[Dict[str, Any]] = []
        self._kept: List[Tensor] = []  # written at the end of the step: a write takes time, which can hide a race
        self._written = 0

    def is_on(self) -> bool:
        """Return whether the inspected step runs now."""
        return self._probe.step == self.step

    def begin_step(self) -> None:
        """Handle the beginning of a step."""
        if self.is_on():
            for function in self.began:
                function()

    def end_step(self) -> None:
        """Handle the end of a step: end the inspection, and write what was seen."""
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
        """Return the entry of a tensor, for `add`. `content`: returns its bytes; called if there is room for them."""
        shape, number = [int(n) for n in shape], None
        if content is not None and self._writer.left > 0:
            data = bytes(content())
            if self._writer.reserve(len(data)):
                number = self._written + len(self._kept)
                self._kept.append((str(dtype), shape, data))
        return [str(dtype), shape, fingerprint.hex() if fingerprint else None, number]

    def add(self, phase: str, what: str, name: str, outputs: Iterable[Output] = (), **fields: Any) -> None:
        """Add a module or an operator that was executed. `fields`: listed in wire.py; empty ones are left out."""
        line = {"phase": phase, "what": what, "name": name, "outputs": list(outputs)}
        line.update((key, value) for key, value in fields.items() if value or key == "inputs")
        self._lines.append(line)

    def note(self, text: str) -> None:
        """Add a note on the inspection itself: what it changed, or what it could not see."""
        self.add("", "note", text)

    def _write(self) -> None:
        for number, tensor in enumerate(self._kept, self._written):
            self._writer.write("output", str(number), tensor)
        lines = "".join(System.dumps(line, default=str) + "\n" for line in self._lines)
        self._probe.recorder.write(wire.DETAILS, lines.encode())
        self._written += len(self._kept)
        del self._lines[:], self._kept[:]
