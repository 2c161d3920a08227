"""Writes the files of one watched process, step by step, so that they are readable after a crash."""

import os
import struct
from json.encoder import encode_basestring_ascii

from . import wire
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Set, Tuple

    from .fingerprint import Hasher

    Held = Tuple[bytes, bytes]  # rows and scalars
    Mark = List[Tuple[str, int]]  # files, and their sizes at one moment

# a row (wire.ROW) without its fingerprint: the step, and the fields that are the same in all steps
_FRONT = struct.Struct("<qIBBH").pack
# a line of the table of points, as json.dumps writes it, in a third of the time
_POINT = '{"id": %d, "kind": "%s", "name": %s, "dtype": %s, "shape": %s}\n'
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_FEW = 16  # a group with at most so many points is counted point by point
_SCALARS = 170  # rows of scalars that may be lost in a crash: they are only used to draw curves


def write_whole(path: str, document: "Any") -> None:
    """Write a JSON document so that a reader sees all of it or nothing."""
    part = path + ".part"
    file = System.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOEXEC, 0o644)
    try:
        System.append(file, System.dumps(document).encode())
    finally:
        System.close(file)
    System.replace(part, path)


class Group:
    """Points of one kind that are recorded together.

    `once`: their counts in a step. `fronts`: the bytes before each fingerprint in a row of step 0.
    """

    def __init__(self, kind: str, points: "Iterable[int]") -> None:
        self.kind, self.points = kind, list(points)
        self.once = dict.fromkeys(self.points, 1)
        code = wire.CODE[kind]
        self.fronts = [_FRONT(0, point, code, wire.LEAF, 0) for point in self.points]


class Digests:
    """The observations in a step of a long trace, which keeps one digest of each kind. `names`: (code, name) by point.

    `settings`: the points of numbers and texts of optimizers. They have a digest of their own.
    """

    def __init__(self, hasher: "Hasher", names: "List[Tuple[int, str]]") -> None:
        self._hasher, self._names = hasher, names
        self.settings: Set[int] = set()
        self._found: Dict[Tuple[int, str], List[Tuple[int, bytes]]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def copy(self) -> "Digests":
        """Return an independent copy."""
        other = Digests(self._hasher, self._names)
        other.settings, other._found = self.settings, {key: list(found) for key, found in self._found.items()}
        return other

    def add(self, code: int, point: int, fingerprint: bytes) -> None:
        """Take the fingerprint of a point. `code`: of its kind."""
        key = code, wire.SETTINGS if point in self.settings else ""
        self._found.setdefault(key, []).append((point, fingerprint))

    def taken(self) -> "List[Tuple[int, str, bytes]]":
        """Return (code of a kind, name, digest), and begin anew."""
        found, self._found = self._found, {}
        return [(code, name, self._of(leaves)) for (code, name), leaves in found.items()]

    def _of(self, leaves: "List[Tuple[int, bytes]]") -> bytes:
        text = b"".join(self._names[point][1].encode("utf-8", "replace") + b"\0" + leaf for point, leaf in leaves)
        return self._hasher.data(text, self._hasher.header("digest", (len(leaves),)))


class Occurrences:
    """Counts how often each point was recorded in this step. Groups are counted as a whole."""

    def __init__(self, points: "Dict[int, int]", groups: "List[Group]") -> None:
        self._points, self._groups = points, groups  # a point that was counted alone is not counted in a group
        # (point, occurrence) -> what is in its rows between the step and the fingerprint: to pack it again takes longer
        self._middles: Dict[Tuple[int, int], bytes] = {}

    def copy(self) -> "Occurrences":
        """Return an independent copy of the counts."""
        return Occurrences(dict(self._points), list(self._groups))

    def clear(self) -> None:
        """Begin a new step, in which nothing is recorded yet."""
        self._points.clear()
        del self._groups[:]

    def add(self, point: int) -> int:
        """Count a point. Returns how often it was counted before."""
        before = self._points.get(point, 0)
        if self._groups and not before:
            before = sum(point in group.once for group in self._groups)
        self._points[point] = before + 1
        return before

    def rows(
        self, step: int, found: "List[Tuple[int, bytes]]", names: "List[Tuple[int, str]]"
    ) -> "Tuple[bytes, List[int]]":
        """Count each (point, fingerprint). Return the rows, and what `add` returns for each.

        `names`: (code of the kind, name) of each point.
        """
        first, middles = step.to_bytes(8, "little"), self._middles
        pieces: List[bytes] = []
        counted = []
        for point, print_ in found:
            occurrence = self.add(point)
            middle = middles.get((point, occurrence))
            if middle is None:
                middle = _FRONT(0, point, names[point][0], wire.LEAF, min(occurrence, 65535))[8:]
                middles[point, occurrence] = middle
            pieces += (first, middle, print_)
            counted.append(occurrence)
        return b"".join(pieces), counted

    def add_new(self, group: "Group") -> bool:
        """Count a group. If any of its points was counted before, count nothing and return False."""
        own = group.once.keys()
        if self._points and not own.isdisjoint(self._points.keys()):
            return False
        for other in self._groups:
            if other.kind == group.kind and not own.isdisjoint(other.once.keys()):
                return False
        if len(group.once) <= _FEW:
            self._points.update(group.once)
        else:
            self._groups.append(group)
        return True


class Rows:
    """Rows of consecutive points as one number. So one addition sets their step, without an object for each row.

    `number`: the rows of step 0, little-endian.
    """

    __slots__ = ("count", "number")

    def __init__(self, number: int, count: int) -> None:
        self.number, self.count = number, count

    def at(self, step: int) -> bytes:
        """Return the rows of a step, from 0 on."""
        steps = _steps.get(self.count)
        if steps is None:
            row = b"\1" + bytes(wire.ROW.size - 1)
            steps = _steps[self.count] = int.from_bytes(row * self.count, "little")
        return (self.number + step * steps).to_bytes(wire.ROW.size * self.count, "little")

    def prints(self) -> "List[bytes]":
        """Return the fingerprints one by one."""
        whole, size = self.at(0), wire.ROW.size
        return [whole[end - 16 : end] for end in range(size, len(whole) + 1, size)]


_steps: "Dict[int, int]" = {}  # number of rows -> the number to add for each step


def _packed(scalars: "List[Tuple[int, int, int, float]]") -> bytes:
    return b"".join([wire.SCALAR.pack(*scalar) for scalar in scalars])


class Recorder:
    """Appends rows to the files of the process.

    Rows are buffered in memory within a step, and written once per step, after the points that they name. Scalars
    are written when there are many. Files are opened at the first write. After a failed write (a full disk) nothing
    more is written, because nobody could read rows behind a torn one.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.broken = False
        self._files: Dict[str, int] = {}  # name -> descriptor
        self._points: List[str] = []
        self._trace: List[bytes] = []  # pieces of rows: a bytearray would grow, and move, with many of them
        self._scalars: List[Tuple[int, int, int, float]] = []
        self._is_holding = False
        self.add: Callable[[bytes], None] = self._trace.append

    def point(self, document: "wire.PointLine") -> None:
        """Add a line to the table of points."""
        name, dtype = encode_basestring_ascii(document["name"]), encode_basestring_ascii(document["dtype"])
        self._points.append(_POINT % (document["id"], document["kind"], name, dtype, document["shape"]))

    def scalar(self, step: int, point: int, occurrence: int, value: float) -> None:
        """Keep an exact float in addition to its fingerprint."""
        self._scalars.append((step, point, occurrence, value))

    def event(self, event: str, **fields: "Any") -> None:
        """Write an event at once, because the process may end next."""
        fields["event"] = event
        self.write(wire.EVENTS, (System.dumps(fields, default=str) + "\n").encode())

    def document(self, name: str, document: "Any") -> None:
        """Write a whole JSON file."""
        write_whole(System.join(self.folder, name), document)

    def flush(self, scalars: bool = True) -> None:
        """Write the buffers of the step. Rows that a different thread adds meanwhile stay in the buffers."""
        if self._points:
            points = self._points[:]
            self.write(wire.POINTS, "".join(points).encode())
            del self._points[: len(points)]
        if self._trace and not self._is_holding:
            pieces = self._trace[:]
            self.write(wire.TRACE, b"".join(pieces))
            del self._trace[: len(pieces)]
        if len(self._scalars) > (0 if scalars else _SCALARS) and not self._is_holding:
            values = self._scalars[:]
            self.write(wire.SCALARS, _packed(values))
            del self._scalars[: len(values)]

    def rows(self) -> int:
        """Return the number of whole rows in the trace so far."""
        return self.size(wire.TRACE) // wire.ROW.size

    def hold(self) -> None:
        """Write all buffers. From now on, new rows stay in memory."""
        self.flush()
        self._is_holding = True

    def held_prints(self) -> "Set[bytes]":
        """Return the fingerprints of the rows that are held in memory."""
        size, rows = wire.ROW.size, b"".join(self._trace)
        return {rows[end - 16 : end] for end in range(size, len(rows) + 1, size)}

    def held(self) -> "Held":
        """Return the (rows, scalars) that were added since `hold`, unwritten, and end the hold."""
        self._is_holding = False
        found = b"".join(self._trace), _packed(self._scalars)
        del self._trace[:], self._scalars[:]
        return found

    def append(self, held: "Held") -> "Mark":
        """Write the result of `held`. Returns a mark with which `cut` removes it again."""
        mark = self.mark(wire.TRACE, wire.SCALARS)
        for (name, _), data in zip(mark, held):
            if data:
                self.write(name, data)
        return mark

    def mark(self, *names: str) -> "Mark":
        """Return the present sizes of files, for `cut`."""
        return [(name, self.size(name)) for name in names]

    def cut(self, mark: "Mark") -> None:
        """Remove everything that was written to files after a mark."""
        for name, size in mark:
            if name in self._files and not self.broken:
                System.ftruncate(self._files[name], size)

    def size(self, name: str) -> int:
        """Return the number of bytes that were written to a file."""
        return System.fstat(self._files[name]).st_size if name in self._files else 0

    def write(self, name: str, data: bytes) -> None:
        """Append to a file of the process, at once. Raises OSError once; after that, nothing is written."""
        if self.broken:
            return
        try:
            self._append(name, data)
        except OSError:
            self.broken = True
            raise

    def _append(self, name: str, data: bytes) -> None:
        if name not in self._files:
            path = System.join(self.folder, name)
            self._files[name] = System.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _CLOEXEC, 0o644)
        written = System.write(self._files[name], data)
        if written < len(data):
            System.append(self._files[name], data[written:])
