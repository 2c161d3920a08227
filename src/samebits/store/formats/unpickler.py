"""Reads pickles with Python's own unpickler, and returns inert values. Nothing that a file names is imported or called.

`read(stream)` returns what the pickle describes. Numbers, text, lists, tuples and dicts stand for themselves. A global
is a `Global`, a persistent id a `Persistent`. A call is a `Made`, with everything that was set on its result or added
to it. A moment, a duration and a path of the standard library are the text that Python prints.

The unpickler is the one written in Python (`pickle._Unpickler`), which joblib uses too. The one written in C demands
real types for NEWOBJ.
"""

from __future__ import annotations

import datetime
import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from reprlib import recursive_repr
from typing import IO, Any, ClassVar


class Inert:
    """Stands for an object of a pickle. Calling it only keeps the arguments."""

    def __call__(self, *arguments: Any) -> Any:
        """Return the stand-in for the result of the call."""
        return Made(self, arguments)


@dataclass(frozen=True)
class Global(Inert):
    """A name that the pickle refers to, as ``module.name``."""

    name: str

    def __call__(self, *arguments: Any) -> Any:
        """Return the plain value that the call makes, or the stand-in for it."""
        with suppress(TypeError, ValueError, OverflowError, AttributeError):
            if self.name in _PLAIN:
                return _PLAIN[self.name](*arguments)
        return Made(self, arguments)


_PLAIN: dict[str, Callable[..., str | bytes]] = {
    "_codecs.encode": lambda text, _: text.encode("latin1"),  # protocols 0 to 2 have no bytes
    "datetime.datetime": lambda *state: str(datetime.datetime(*state[:1])),
    "datetime.date": lambda *state: str(datetime.date(*state)),
    "datetime.timedelta": lambda *amounts: str(datetime.timedelta(*amounts)),
    **{
        f"{module}.{name}": lambda *names: "/".join(names).replace("//", "/")
        for module in ("pathlib", "pathlib._local")
        for name in ("PosixPath", "PurePosixPath")
    },
}


@dataclass(eq=False)
class Persistent(Inert):
    """A persistent id."""

    key: Any


@dataclass(eq=False, repr=False)
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

    @recursive_repr()
    def __repr__(self) -> str:
        return repr((self.function, self.arguments, self.items, self.pairs, self.state))

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
    pop_mark: Callable[[], list[Any]]

    def __init__(self, stream: IO[bytes], built: Callable[[Made], None], kept: Callable[[Any], None]) -> None:
        super().__init__(stream, encoding="latin1")  # text of Python 2 may be bytes
        self._built, self._kept = built, kept

    def find_class(self, module: str, name: str) -> Global:
        """Return a stand-in for a name. Nothing is imported."""
        return Global(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Persistent:
        """Return a stand-in for an object that is kept outside the pickle."""
        self._kept(pid)
        return Persistent(pid)

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

    _own: ClassVar[dict[int, Any]] = {
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
        pickle.EMPTY_SET[0]: load_empty_set,
        pickle.FROZENSET[0]: load_frozenset,
    }
    dispatch = {**pickle._Unpickler.dispatch, **_own}


def read(
    stream: IO[bytes], built: Callable[[Made], None] = lambda made: None, kept: Callable[[Any], None] = lambda key: None
) -> Any:
    """Return the value of the next pickle in the stream, and leave the stream right after it.

    Raises ValueError if the pickle is damaged. `built` and `kept`: see _InertUnpickler.
    """
    try:
        return _InertUnpickler(stream, built, kept).load()
    except Exception as error:
        raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from None


def nested(value: Any) -> Any:
    """Return what a pickle describes that fills bytes. Any other value is returned as it is."""
    if isinstance(value, bytes) and value[:1] == pickle.PROTO and value[-1:] == pickle.STOP:
        stream = io.BytesIO(value)
        with suppress(ValueError):
            content = read(stream)
            return content if stream.tell() == len(value) else value
    return value


def bytes_of(value: Any) -> bytes | None:
    """Return bytes, also those that Python 2 wrote as text; None for any other value."""
    if isinstance(value, str):
        return value.encode("latin1")
    return bytes(value) if isinstance(value, (bytes, bytearray)) else None


def text_of(value: Any) -> str:
    """Return an inert value as text, for a name. The text is cut."""
    return repr(value)[:MOST_TEXT]


MOST_TEXT = 4096  # characters of a value that serves as a name
