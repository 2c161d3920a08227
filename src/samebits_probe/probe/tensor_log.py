"""Writes tensors to files, and sets weights from such files. All values have one format (wire.py, TENSORS).

This module does nothing unless config.json asks for it.
"""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, Union

from .. import wire
from ..system import System

if TYPE_CHECKING:
    from ..fingerprint import Dtype, Shape, Tensor
    from ..trace import Mark
    from ..wire import FeedRequest, LayerFacts, OptimizerFacts, TensorRequest
    from . import Probe

    Setter = Callable[[Any], Any]  # called with an array of NumPy
    Weight = Tuple[str, Shape, bytes]  # dtype, shape, bytes in logical order

__all__ = ["Feed", "TensorSelection", "TensorWriter", "row"]

Place = Tuple[int, str, str]  # step, kind, name
_KINDS = ("start", "batch", "forward", "gradient", "update")
_NO_LIMIT = 1 << 62  # bytes


def row(place: Place, dtype: "Dtype", shape: "Shape", offset: int, size: int) -> bytes:
    """Return a line of tensors.jsonl. `offset`, `size`: bytes in tensors.bin."""
    facts = {"dtype": str(dtype), "shape": [int(n) for n in shape], "offset": offset, "size": size}
    return (System.dumps(dict(zip(("step", "kind", "name"), place), **facts)) + "\n").encode()


class TensorWriter:
    """Appends tensors to the files of the probe's process. `left`: the bytes for which there is room."""

    def __init__(self, probe: "Probe", most: int = _NO_LIMIT) -> None:
        self._probe, self.left = probe, most

    def reserve(self, size: int) -> bool:
        """Return whether so many bytes fit. If they do, reserve them."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def write(self, kind: str, name: str, tensor: "Tensor") -> None:
        """Append a tensor of the current step: first its bytes, then the row that names them. Raises OSError."""
        dtype, shape, buffer = tensor
        data, probe, step = bytes(buffer), self._probe, self._probe.step
        place = (-1 if kind == "start" and not step else step, kind, name)  # as in the trace
        with probe.lock:
            line = row(place, dtype, shape, probe.recorder.size(wire.TENSORS), len(data))
            probe.recorder.write(wire.TENSORS, data)
            probe.recorder.write(wire.TENSOR_ROWS, line)


class TensorSelection:
    """Writes the requested tensors, in the order in which they are observed."""

    def __init__(self, probe: "Probe", want: "TensorRequest") -> None:
        self._probe, self._writer = probe, TensorWriter(probe, want.get("most", _NO_LIMIT))
        self._first, self._last, self._steps = want["first"], want["last"], want.get("steps")
        self._kinds, self._name = want.get("kinds", _KINDS), want.get("name")
        self.takes_all = self._name is None
        self.layers = bool(want.get("layers"))
        self._marks: Dict[Tuple[str, int, str], Mark] = {}  # (folder, step, kind) of a written tensor -> mark before
        self._known: Dict[Tuple[str, str], str] = {}  # (what, name) -> facts, as text

    def wants(self, step: int, kind: str) -> bool:
        """Return whether tensors of this kind are written at this step."""
        is_step = self._steps is None or step in self._steps
        return self._first <= step <= self._last and is_step and kind in self._kinds

    def take(self, kind: str, name: str, tensor: "Tensor") -> None:
        """Write a tensor, (dtype, shape, bytes in logical order), if it was requested."""
        is_wanted = self.wants(self._probe.step, kind) and (self.takes_all or name == self._name)
        if not is_wanted or (not self.takes_all and self._was_taken(kind)):
            return
        dtype, shape, buffer = tensor
        data = bytes(buffer)
        if self._writer.reserve(len(data)):
            self._writer.write(kind, name, (dtype, shape, data))
        else:
            self._last = -1
            self._probe.event("tensors-full", step=self._probe.step)

    def _was_taken(self, kind: str) -> bool:
        """Return whether the tensor was already written in this step. A later end replaces an earlier one."""
        recorder = self._probe.recorder
        key = (recorder.folder, self._probe.step, kind)
        if key not in self._marks:
            self._marks[key] = recorder.mark(wire.TENSORS, wire.TENSOR_ROWS)
        elif kind == "end":
            recorder.cut(self._marks[key])
        else:
            return True
        return False

    def about(self, what: str, name: str, facts: "Union[OptimizerFacts, LayerFacts]") -> None:
        """Write the settings of an "optimizer" or a "layer", if they have changed."""
        text = System.dumps(facts, default=str, sort_keys=True)
        if self.wants(self._probe.step, "update") and self._known.get((what, name)) != text:
            self._known[what, name] = text
            self._probe.event("settings", what=what, name=name, step=self._probe.step, facts=json.loads(text))


class Feed:
    """Sets weights: those of step -1 when the watcher first sees them, those of a step at its end.

    A watcher that can set weights calls `known(name, function)`: function(array).
    """

    def __init__(self, probe: "Probe", want: "FeedRequest") -> None:
        self._probe, self._folder = probe, want["folder"]
        self._setters: Dict[str, Setter] = {}
        self._rows: Optional[Dict[int, List[Dict[str, Any]]]] = None  # by step
        self._start: Optional[Dict[str, Weight]] = None

    def known(self, name: str, function: "Setter") -> None:
        """Register a weight that can be set from now on. If there is a value of step -1 for it, set it at once."""
        self._setters[name] = function
        if self._start is None:
            self._start = self._read(-1)
        if name in self._start and not self._probe.step:
            self._probe.guard("feed", self._set, name, self._start[name])
            self._probe.event("fed", name=name)

    def end_step(self) -> None:
        """Handle the end of the step that has just been recorded: set its weights."""
        found = self._read(self._probe.step)
        for name in found:
            if name in self._setters:
                self._probe.guard("feed", self._set, name, found[name])
        missing = sorted(set(found) - set(self._setters))
        if missing:
            self._probe.event("not-fed", step=self._probe.step, names=missing)

    def _set(self, name: str, weight: "Weight") -> None:
        dtype, shape, data = weight
        self._setters[name](sys.modules["numpy"].frombuffer(data, dtype).reshape(shape))

    def _read(self, step: int) -> "Dict[str, Weight]":
        """Return {name: (dtype, shape, bytes)} of a step; empty if no weight is set after it."""
        if self._rows is None:
            self._rows = self._rows_by_step()
        found: Dict[str, Weight] = {}
        with open(os.path.join(self._folder, wire.TENSORS), "rb") as values:
            for one in self._rows.get(step, []):
                values.seek(one["offset"])
                found[one["name"]] = (one["dtype"], tuple(one["shape"]), values.read(one["size"]))
        return found

    def _rows_by_step(self) -> Dict[int, List[Dict[str, Any]]]:
        found: Dict[int, List[Dict[str, Any]]] = {}
        with open(os.path.join(self._folder, wire.TENSOR_ROWS)) as lines:
            for line in lines:
                one = json.loads(line)
                found.setdefault(one["step"], []).append(one)
        return found
