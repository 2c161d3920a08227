"""Values of all that is observed, written out; and weights set from files. Both only where config.json asks for them.

`samebits parity train` compares two trainings by value with the one, and starts each step of the second from the first
one's weights with the other (see wire.py).
"""

import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, Union

from . import wire
from .fingerprint import Shape

if TYPE_CHECKING:
    from .fingerprint import Tensor
    from .probe import Probe
    from .wire import FeedRequest, LayerFacts, OptimizerFacts, ValuesRequest

Weight = Tuple[str, Shape, bytes]  # dtype, shape, bytes in logical order
Setter = Callable[[str, Shape, bytes], Any]
_KINDS = ("start", "batch", "forward", "gradient", "update")
_MOST_BYTES = 1 << 31


class ValueLog:
    """Writes every tensor of the steps that were asked for, in the order in which they are observed."""

    def __init__(self, want: "ValuesRequest") -> None:
        self._first, self._last = want["first"], want["last"]
        self._left, self._offset = want.get("most", _MOST_BYTES), 0
        self._folder: Optional[str] = None
        self.layers = bool(want.get("layers"))
        self._known: Dict[Tuple[str, str], str] = {}  # (what, name) -> facts, as text

    @classmethod
    def of(cls, want: "Optional[ValuesRequest]") -> "Optional[ValueLog]":
        """None where no values are to be kept."""
        return cls(want) if want else None

    def wants(self, step: int, kind: str) -> bool:
        """Whether tensors of this kind are kept now."""
        return self._first <= step <= self._last and kind in _KINDS

    def take(self, probe: "Probe", kind: str, name: str, tensor: "Tensor") -> None:
        """Write a tensor: (dtype, shape, bytes in logical order)."""
        if not self.wants(probe.step, kind):
            return
        dtype, shape, buffer = tensor
        data, self._left = bytes(buffer), self._left - len(buffer)
        line = {"step": probe.step, "kind": kind, "name": name, "dtype": str(dtype), "shape": [int(n) for n in shape]}
        if kind == "start" and not probe.step:
            line["step"] = -1
        self._write(probe, line, data)

    def _write(self, probe: "Probe", line: Dict[str, Any], data: bytes) -> Any:
        if self._left < 0:
            self._last = -1
            return self._line(probe, {"full": line["step"]})
        with probe.lock:
            if probe.recorder.folder != self._folder:  # a forked child has files of its own
                self._folder, self._offset = probe.recorder.folder, 0
            line.update(offset=self._offset, bytes=len(data))
            probe.recorder.write(wire.VALUES, data)
            self._offset += len(data)
            return self._line(probe, line)

    def about(self, probe: "Probe", what: str, name: str, facts: "Union[OptimizerFacts, LayerFacts]") -> None:
        """Write what the program has set: of an "optimizer", a "layer". Only where it is not what it was before."""
        text = json.dumps(facts, default=str, sort_keys=True)
        if self.wants(probe.step, "update") and self._known.get((what, name)) != text:
            self._known[what, name] = text
            self._line(probe, {"about": what, "name": name, "step": probe.step, "facts": json.loads(text)})

    @staticmethod
    def _line(probe: "Probe", line: Dict[str, Any]) -> None:
        probe.recorder.write(wire.VALUES_FACTS, (json.dumps(line) + "\n").encode())


class Feed:
    """Sets weights: those of step -1 when they are first seen, those of a step when it is over.

    A watcher that can set them adds `known(name, function)`: function(dtype, shape, bytes in logical order).
    """

    def __init__(self, probe: "Probe", want: "FeedRequest") -> None:
        self._probe, self._folder = probe, want["folder"]
        self._setters: Dict[str, Setter] = {}
        self._start: Optional[Dict[str, Weight]] = None

    @classmethod
    def of(cls, probe: "Probe", want: "Optional[FeedRequest]") -> "Optional[Feed]":
        """None where no weights are to be set."""
        return cls(probe, want) if want else None

    def known(self, name: str, function: Setter) -> None:
        """A weight that can be set from now on; one that is there to start from is set at once."""
        self._setters[name] = function
        if self._start is None:
            self._start = self._read(-1)
        if name in self._start and not self._probe.step:
            self._set(name, self._start[name])

    def end_step(self) -> None:
        """The step that has just been recorded is over."""
        found = self._read(self._probe.step)
        for name in found:
            if name in self._setters:
                self._set(name, found[name])
        missing = sorted(set(found) - set(self._setters))
        if missing:
            self._probe.event("not-fed", step=self._probe.step, names=missing)

    def _set(self, name: str, tensor: Weight) -> None:
        self._probe.guard("feed", self._setters[name], *tensor)

    def _read(self, step: int) -> Dict[str, Weight]:
        """{name: (dtype, shape, bytes)} of a step's file; empty where there is none."""
        base = os.path.join(self._folder, wire.FED % (step + 1))
        if not os.path.exists(base + ".json"):
            return {}
        with open(base + ".json") as file, open(base + ".bin", "rb") as values:
            tensors, data = json.load(file), values.read()
        return {
            name: (dtype, tuple(shape), data[offset : offset + size]) for name, dtype, shape, offset, size in tensors
        }
