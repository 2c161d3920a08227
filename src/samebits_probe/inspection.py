"""A closer look that the launcher asks for: tensors written out, and what is executed within one step.

Both are off unless config.json asks for them (see wire.py), and cost a comparison with None then.
"""

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from . import wire

if TYPE_CHECKING:
    from .fingerprint import Dtype, Shape, Tensor
    from .probe import Probe
    from .wire import CaptureRequest, InspectionRequest

Output = List[Any]  # of a tensor: [dtype, shape, fingerprint in hex, offset or None, bytes or None]
_MOST_BYTES = 1 << 28
_FEW = 16  # elements of a constant that are written as numbers


class Capture:
    """Writes one named tensor: once, or at each step up to `until`."""

    def __init__(self, want: "CaptureRequest") -> None:
        self._want = want
        self._first, self._last = want["step"], want.get("until", want["step"])
        self._taken: Set[int] = set()

    @classmethod
    def of(cls, want: "Optional[CaptureRequest]") -> "Optional[Capture]":
        """None where nothing is to be captured."""
        return cls(want) if want else None

    def wants(self, step: int, kind: str) -> bool:
        """Whether tensors of this kind are looked at now. The start belongs to the step that is made then."""
        return self._first <= step <= self._last and kind in (self._want["kind"], "start")

    def take(self, probe: "Probe", kind: str, name: str, tensor: "Tensor") -> None:
        """Write a tensor, (dtype, shape, bytes in logical order), if it is the one."""
        step, several = probe.step, "until" in self._want
        if several and kind == "start" and self._want["kind"] != "start":
            step -= 1  # what the first step begins with
        elif self._want["kind"] != kind:
            return
        is_again = step in self._taken and kind != "end"  # an end that is taken again replaces the one before
        if name != self._want["name"] or is_again or not self.wants(probe.step, kind):
            return
        self._taken.add(step)
        base = wire.CAPTURES % (step + 1) if several else None
        dtype, shape, buffer = tensor
        with open(os.path.join(probe.recorder.folder, base + ".bin" if base else wire.CAPTURE), "wb") as file:
            file.write(buffer)
        facts = {"dtype": str(dtype), "shape": [int(n) for n in shape], "step": step}
        probe.recorder.document(base + ".json" if base else wire.CAPTURE_FACTS, dict(self._want, **facts))


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
    return kind.__repr__(value) if kind is not None else None  # a subclass may have a text of its own


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
        self._left, self._offset = want.get("most", _MOST_BYTES), 0
        # functions that watchers have called at the first sign of the step, and after it
        self.began: List[Callable[[], Any]] = []
        self.ended: List[Callable[[], Any]] = []
        self._lines: List[Dict[str, Any]] = []
        self._values: List[bytes] = []

    @classmethod
    def of(cls, probe: "Probe", want: "Optional[InspectionRequest]") -> "Optional[Inspection]":
        """None where no step is looked into."""
        return cls(probe, want) if want else None

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
        shape, size = [int(n) for n in shape], None
        offset = None
        if content is not None and self._left > 0:
            data = bytes(content())
            if len(data) <= self._left:
                offset, size = self._offset, len(data)
                self._values.append(data)
                self._left -= size
                self._offset += size
        return [str(dtype), shape, fingerprint.hex() if fingerprint else None, offset, size]

    def add(self, phase: str, what: str, name: str, outputs: Iterable[Output] = (), **fields: Any) -> None:
        """One thing that was executed; `fields` as wire.py lists them, empty ones left out."""
        line = {"phase": phase, "what": what, "name": name, "outputs": list(outputs)}
        line.update((key, value) for key, value in fields.items() if value or key == "inputs")
        self._lines.append(line)

    def note(self, text: str) -> None:
        """Something to say of the look itself: what it changed, or what it could not see."""
        self.add("", "note", text)

    def _write(self) -> None:
        folder = self._probe.recorder.folder
        with open(os.path.join(folder, wire.DETAIL_VALUES), "ab") as file:
            for data in self._values:
                file.write(data)
        with open(os.path.join(folder, wire.DETAILS), "a") as file:
            for line in self._lines:
                file.write(json.dumps(line, default=str) + "\n")
        del self._lines[:], self._values[:]
