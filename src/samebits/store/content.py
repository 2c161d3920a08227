"""Holds the parts of a saved file by name. Each has one fingerprint, which is compared instead of the file's bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import xxhash

from samebits.model import Part

if TYPE_CHECKING:
    import numpy as np

    from samebits.model import Lines

__all__ = [
    "Parts",
    "add_json",
    "canonical",
    "fingerprint",
    "is_plain",
    "joined",
    "parse_json",
    "shape_text",
    "text_or_bytes",
]

_SCALARS = (str, int, float, complex, bytes, bool, type(None))
MOST_SHOWN = 4096  # characters of a value by which its difference is judged
MOST_ITEMS_SHOWN = 200  # of an array
MOST_SHOWN_IN_ALL = 1 << 19  # characters of one file


class Parts:
    """The parts of a file that were found so far. If a name comes twice, its fingerprint stands for both parts.

    `models`: names below which everything belongs to a model. `lines`: those of a text.
    """

    def __init__(self) -> None:
        self.found: dict[str, Part] = {}
        self.models: list[str] = []
        self.lines: Lines | None = None
        self._room = MOST_SHOWN_IN_ALL

    def add(self, name: str, header: str, *buffers: Any, is_value: bool = False, shown: str = "") -> None:
        """Add a part: `header` says its type and shape, `buffers` are its bytes in logical order.

        `is_value`: it is not an array. `shown`: its content as JSON, by which a difference is judged, if it is short.
        """
        digest, earlier = fingerprint(header, *buffers), self.found.get(name)
        if earlier is not None:
            is_value = is_value and earlier.kind == "value"
            digest, shown = fingerprint("both", earlier.digest.encode(), digest.encode()), earlier.shown
        elif len(shown) > min(MOST_SHOWN, self._room):
            shown = ""
        else:
            self._room -= len(shown)
        self.found[name] = Part(digest=digest, kind="value" if is_value else "array", shown=shown)

    def add_plain(self, name: str, value: Any) -> None:
        """Add a plain value, which is not a tensor: a number, text, bytes, or a sequence of these."""
        content = value if isinstance(value, bytes) else canonical(value)
        self.add(name, type(value).__name__, content, is_value=True, shown=json.dumps(value, default=repr))

    def add_array(self, name: str, array: np.ndarray[Any, Any], *, is_value: bool = False) -> None:
        """Add an array of NumPy by its type, shape and values; one with fields by each field."""
        if array.dtype.names and not array.dtype.hasobject:
            for field in array.dtype.names:  # the padding between fields holds no value of the program
                self.add_array(joined(name, field), array[field], is_value=is_value)
            return
        is_short = array.ndim < 2 and array.size <= MOST_ITEMS_SHOWN and array.dtype.kind in "fiuUSMm"
        text = json.dumps(_listed(array), default=repr) if is_short else ""
        is_value = is_value or array.dtype.kind in "USMm"  # text and times
        self.add(name, shape_text(array.dtype.str, array.shape), array.tobytes(), is_value=is_value, shown=text)

    def add_member(self, name: str, member: Parts, *, is_model: bool) -> None:
        """Add the parts of a file within the file, below its name."""
        for inner, part in member.found.items():
            own = joined(name, inner) if inner else name
            self.found[own] = part
            self.models += [own] if is_model and part.kind == "array" else []
        self.models += [joined(name, inner) if inner else name for inner in member.models]


def _listed(array: np.ndarray[Any, Any]) -> Any:
    """Return a short array as a list of numbers or texts. Dates become seconds since 1970, and spans become seconds."""
    import numpy as np

    if array.dtype.kind in "Mm":
        unit = np.datetime_data(array.dtype)[0]
        array = array.astype("M8[us]" if array.dtype.kind == "M" else "m8[us]") if unit != "generic" else array
        return (array.astype(np.int64) / 1e6).tolist()
    return (
        [text_or_bytes(item) for item in array.tolist()] if array.dtype.kind == "S" and array.ndim else array.tolist()
    )


def fingerprint(header: str, *buffers: Any) -> str:
    """Return 32 hex digits that stand for a header and buffers."""
    digest = xxhash.xxh3_128(header.encode("utf-8", "surrogatepass") + b"\0")
    for buffer in buffers:
        digest.update(buffer)
    return digest.hexdigest()


def canonical(value: Any) -> bytes:
    """Return bytes that are equal only for equal plain values. Types and the signs of zeros count."""
    return repr(value).encode("utf-8", "surrogatepass")


def is_plain(value: Any) -> bool:
    """Return whether a value is a scalar or a flat sequence of scalars, so that it makes one part."""
    if isinstance(value, _SCALARS):
        return True
    return isinstance(value, (list, tuple)) and all(isinstance(item, _SCALARS) for item in value)


def text_or_bytes(value: Any) -> Any:
    """Return bytes as the text that they hold, if they do; any other value as it is."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def joined(path: str, key: object) -> str:
    """Return the name of a part below a path."""
    return f"{path}.{key}" if path else str(key)


def add_json(parts: Parts, path: str, value: Any) -> None:
    """Add a JSON value, in which an array of NumPy or bytes may stand. Each leaf becomes a part, named by its keys.

    A list (of lists) of plain values is a leaf.
    """
    if isinstance(value, dict) and value:
        for key in value:
            add_json(parts, joined(path, key), value[key])
    elif isinstance(value, list) and not _is_array(value):
        parts.add_plain(joined(path, "length"), len(value))
        for index, item in enumerate(value):
            add_json(parts, joined(path, index), item)
    elif isinstance(value, bytes):
        parts.add(path, "bytes", value)
    elif hasattr(value, "dtype"):
        parts.add_array(path, value)
    else:
        parts.add_plain(path, value)


def _is_array(value: Any) -> bool:
    """Return whether a JSON value consists of lists and plain values only."""
    return isinstance(value, _SCALARS) or (isinstance(value, list) and all(_is_array(item) for item in value))


def parse_json(data: bytes) -> Any:
    """Return the JSON value that bytes hold. Raises ValueError.

    The events of a profiler's trace are left out, because they are times:
    https://docs.pytorch.org/docs/stable/profiler.html#torch.profiler.profile.export_chrome_trace
    """
    value = json.loads(data)
    is_trace = isinstance(value, dict) and isinstance(value.get("traceEvents"), list)
    return {"traceEvents": "(times)"} if is_trace else value


def shape_text(dtype: str, shape: Sequence[int]) -> str:
    """Return the header of a tensor: its type and its shape."""
    return f"{dtype}{tuple(int(size) for size in shape)}"
