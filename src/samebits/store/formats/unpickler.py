"""Reads pickles with Python's own unpickler, and returns inert values. Nothing in a file is imported, called or built.

`read(stream)` returns what the pickle describes. Numbers, text, lists, tuples and dicts stand for themselves. A global
is a `Global`, a persistent id a `Persistent`. A call is a `Made`, with everything that was set on its result or added
to it.

The unpickler is the one written in Python (`pickle._Unpickler`), which joblib uses too. The one written in C demands
real types for NEWOBJ. Before Python 3.15 it reserves memory for any memo number that a file names
(https://github.com/python/cpython/issues/115952).
"""

from __future__ import annotations

import datetime
import itertools
import pickle
import re
import reprlib
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar


class Inert:
    """Stands for an object of a pickle. Calling it only keeps the arguments."""

    def __call__(self, *arguments: Any) -> Made:
        """Return the stand-in for the result of the call."""
        return Made(self, arguments)


@dataclass(frozen=True)
class Global(Inert):
    """A name that the pickle refers to, as ``module.name``."""

    name: str

    def __call__(self, *arguments: Any) -> Made:
        """Return the stand-in for the result, without the random id that cloudpickle gives a class of a program."""
        is_of_cloudpickle = ".cloudpickle." in f".{self.name}"  # Ray, joblib and Spark have copies of it
        place = _RANDOM_IDS.get(self.name.rpartition(".")[2]) if is_of_cloudpickle else None
        if place is not None:
            arguments = (*arguments[:place], *arguments[place + 1 :])
        return Made(self, arguments)


# https://github.com/cloudpipe/cloudpickle/blob/master/cloudpickle/cloudpickle.py
_RANDOM_IDS = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5, "_make_typevar": 5}


@dataclass(eq=False)
class Persistent(Inert):
    """A persistent id."""

    key: Any


@dataclass(eq=False)
class Made(Inert):
    """The result of a call. `items`: appended or added. `pairs`: keys that were set. `state`: given to BUILD."""

    function: Any
    arguments: Any
    items: list[Any] = field(default_factory=list)
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    state: Any = None

    @property
    def name(self) -> str:
        """The name of the called object; "" if it has none."""
        return self.function.name if isinstance(self.function, Global) else ""

    def append(self, item: Any) -> None:
        """Take an item, as a list does."""
        self.items.append(item)

    add = append  # as a set does

    def extend(self, items: list[Any]) -> None:
        """Take items, as a list does."""
        self.items += items

    def __setitem__(self, key: Any, value: Any) -> None:
        self.pairs.append((key, value))


class _InertUnpickler(pickle._Unpickler):
    """Returns stand-ins where an unpickler would look up a name or call it.

    `built`: is called with each object whose state was set, while the stream is right after that state. `kept`: is
    called with each persistent id.
    """

    stack: list[Any]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, stream: IO[bytes], built: Callable[[Made], None], kept: Callable[[Any], None]) -> None:
        buffers = itertools.repeat(Persistent("buffer"))
        super().__init__(stream, encoding="latin1", buffers=buffers)  # text of Python 2 may be bytes
        self._built, self._kept = built, kept

    def find_class(self, module: str, name: str) -> Global:
        """Return a stand-in for a name. Nothing is imported."""
        return Global(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Persistent:
        """Return a stand-in for an object that is kept outside the pickle."""
        self._kept(pid)
        return Persistent(pid)

    def get_extension(self, code: int) -> None:
        """Put a stand-in for a name that a program registered under a number."""
        self.stack.append(Global(f"extension.{code}"))

    def load_newobj(self) -> None:
        """Put a stand-in for an object that a class makes. The original NEWOBJ accepts nothing but types."""
        arguments = self.stack.pop()
        self.stack[-1] = Made(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        """Do the same with named arguments."""
        named, arguments = self.stack.pop(), self.stack.pop()
        self.stack[-1] = Made(self.stack[-1], (arguments, named))

    def load_build(self) -> None:
        """Keep a state instead of setting it."""
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made):
            raise ValueError("the pickle sets the state of something that it did not make")
        made.state = state
        self._built(made)

    def load_empty_set(self) -> None:
        """Keep the items of a set in their order, because hashing them can take forever."""
        self.stack.append(Made(Global("builtins.set"), ()))

    def load_frozenset(self) -> None:
        """Do the same for a frozen set."""
        items = self.pop_mark()
        self.stack.append(Made(Global("builtins.frozenset"), (), items))

    def load_bytearray8(self) -> None:
        """Take the bytes that exist. The original makes an array of the size that the file claims."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.stack.append(bytearray(self.read(size)))

    def load_readonly_buffer(self) -> None:
        """Do nothing: a buffer outside the pickle is a stand-in, which is read-only anyway."""

    _own: ClassVar[dict[int, Any]] = {
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
        pickle.EMPTY_SET[0]: load_empty_set,
        pickle.FROZENSET[0]: load_frozenset,
        pickle.BYTEARRAY8[0]: load_bytearray8,
        pickle.READONLY_BUFFER[0]: load_readonly_buffer,
    }
    dispatch = {**pickle._Unpickler.dispatch, **_own}


# what a damaged pickle raises; the last two come from a size that it claims
_DAMAGE = (
    pickle.UnpicklingError, struct.error, AttributeError, EOFError, LookupError, TypeError, MemoryError, OverflowError,
)  # fmt: skip


def read(
    stream: IO[bytes], built: Callable[[Made], None] = lambda made: None, kept: Callable[[Any], None] = lambda key: None
) -> Any:
    """Return the value of the next pickle in the stream, and leave the stream right after it.

    Raises ValueError if the pickle is damaged. `built` and `kept`: see _InertUnpickler.
    """
    try:
        return _InertUnpickler(stream, built, kept).load()
    except _DAMAGE as error:
        raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from None


def bytes_of(value: Any) -> bytes | None:
    """Return the bytes for which a value of a pickle stands; None if it stands for none.

    Protocols 0 to 2 have no bytes: they encode a text instead.
    """
    if isinstance(value, Made):
        encodes = isinstance(value.function, Global) and value.function.name == "_codecs.encode"
        value = value.arguments[0] if encodes and isinstance(value.arguments, tuple) else None
    if isinstance(value, str):
        return value.encode("latin1")
    return bytes(value) if isinstance(value, (bytes, bytearray)) else None


class _Short(reprlib.Repr):
    """Returns a short text for a value of a pickle. A short pickle can describe endless text."""

    def repr_Made(self, made: Made, level: int) -> str:  # noqa: N802
        """Return a text for the result of a call."""
        content = (made.function, made.arguments, made.items, made.pairs, made.state)
        return self.repr1(content, level - 1) if level > 0 else "..."

    def repr_Persistent(self, value: Persistent, level: int) -> str:  # noqa: N802
        """Return a text for a value outside of the pickle."""
        return f"persistent {self.repr1(value.key, level - 1)}" if level > 0 else "..."


MOST_TEXT = 4096  # characters of a value that serves as a name
_SHORT = _Short()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 4, MOST_TEXT, MOST_TEXT


def text_of(value: Any) -> str:
    """Return an inert value as text, for a name or an order. The text is cut."""
    return _SHORT.repr(value)[:MOST_TEXT]


# -- moments, durations and paths of the standard library become the text that Python prints ---------------------------

_PATHS = re.compile(r"(?:pathlib(?:\._local)?|upath)\.(?:Pure)?(?:Posix|Windows)?Path")
# their constructors take the bytes that a pickle holds, and do nothing else
_MAKERS: dict[str, Any] = {"datetime.datetime": datetime.datetime, "datetime.date": datetime.date}


def plain_text(made: Made) -> str | None:
    """Return the text of a path, a UUID, a moment or a duration of the standard library; None for any other object."""
    arguments = made.arguments if isinstance(made.arguments, tuple) else (made.arguments,)
    try:
        if _PATHS.fullmatch(made.name):
            return "/".join(arguments).replace("//", "/")
        if made.name == "uuid.UUID":
            return str(uuid.UUID(int=made.state["int"]))
        if made.name == "datetime.timedelta":
            return str(datetime.timedelta(*arguments))
        maker = _MAKERS.get(made.name)
        return str(maker(bytes_of(arguments[0]))) if maker else None
    except (TypeError, ValueError, KeyError, OverflowError, IndexError):
        return None
