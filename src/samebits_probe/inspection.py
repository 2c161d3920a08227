"""A closer look that the launcher asks for: tensors written out, and what is executed within one step.

Both are off unless config.json asks for them (see wire.py), and cost a comparison with None then.
"""

import hashlib
import json
import os

from . import wire

_MOST_BYTES = 1 << 28
_FEW = 16  # elements of a constant that are written as numbers


class Capture:
    """Writes one named tensor: once, or at each step up to `until`."""

    def __init__(self, want):
        self._want = want
        self._first, self._last = want["step"], want.get("until", want["step"])
        self._taken = set()

    @classmethod
    def of(cls, want):
        """None where nothing is to be captured."""
        return cls(want) if want else None

    def wants(self, step, kind):
        """Whether tensors of this kind are looked at now. The start belongs to the step that is made then."""
        return self._first <= step <= self._last and kind in (self._want["kind"], "start")

    def take(self, probe, kind, name, tensor):
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


def argument(value, named=()):
    """An argument that is no tensor, as exact text. `named`: types whose text says all of them.

    None for what says nothing of what is computed (generators, devices, functions), and for lists that hold such.
    """
    if isinstance(value, (list, tuple)):
        items = [argument(one, named) for one in value]
        return None if None in items else "[%s]" % ", ".join(items)
    if value is None or isinstance(value, (bool, named)):
        return str(value)
    kind = next((kind for kind in (int, float, complex, str) if isinstance(value, kind)), None)
    return kind.__repr__(value) if kind is not None else None  # a subclass may have a text of its own


def numbers(value):
    """An attribute's number, or list of numbers, as text; None for anything else."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return argument(value) if all(isinstance(one, (int, float)) for one in several) else None


def constant(array):
    """A constant array of NumPy, as exact text while it is small."""
    if array.size <= _FEW:
        return argument(array.tolist())
    return "%s %s %s" % (array.dtype, list(array.shape), hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest())


class Inspection:
    """What is executed within one step, in its order. Watchers add to it while `is_on()`."""

    def __init__(self, probe, want):
        self._probe = probe
        self.step, self.level = want["step"], want["level"]
        self._left, self._offset = want.get("most", _MOST_BYTES), 0
        self.began, self.ended = (
            [],
            [],
        )  # functions that watchers have called at the first sign of the step, and after it
        self._lines, self._values = [], []

    @classmethod
    def of(cls, probe, want):
        """None where no step is looked into."""
        return cls(probe, want) if want else None

    def is_on(self):
        """Whether the step that runs is the one."""
        return self._probe.step == self.step

    def begin_step(self):
        """The first sign of a step."""
        if self.is_on():
            for function in self.began:
                function()

    def end_step(self):
        """The step is over: nothing more is looked at, and what was seen is written."""
        if self.is_on():
            for function in self.ended:
                function()
            self._write()

    def output(self, dtype, shape, fingerprint, content=None):
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

    def add(self, phase, what, name, outputs=(), **fields):
        """One thing that was executed; `fields` as wire.py lists them, empty ones left out."""
        line = {"phase": phase, "what": what, "name": name, "outputs": list(outputs)}
        line.update((key, value) for key, value in fields.items() if value or key == "inputs")
        self._lines.append(line)

    def note(self, text):
        """Something to say of the look itself: what it changed, or what it could not see."""
        self.add("", "note", text)

    def _write(self):
        folder = self._probe.recorder.folder
        with open(os.path.join(folder, wire.DETAIL_VALUES), "ab") as file:
            for data in self._values:
                file.write(data)
        with open(os.path.join(folder, wire.DETAILS), "a") as file:
            for line in self._lines:
                file.write(json.dumps(line, default=str) + "\n")
        del self._lines[:], self._values[:]
