"""Notes what the process got from the system: ids of random bytes, ports that it bound, and ids of its forks.

A name with a UUID in it, or a run id of W&B, differs in each trial. samebits recognises it by its value, which is noted
here, and not by its look. samebits removes these texts from results before it compares them.
"""

import binascii
import functools
import os
import sys

from . import hooks
from .replacement import replace
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable, List, Optional, Set, Tuple, Union

    from .probe import Probe
    from .replacement import AnyFunction, FunctionMaker

    Write = Callable[..., None]  # called with the name of an event and its fields
    CallSite = Tuple[Any, ...]

__all__ = ["MOST_TEXTS", "Texts", "is_id", "watch", "writer"]

MOST_TEXTS = 2000  # of one process
SHORTEST, LONGEST = 5, 64  # characters of a text
_MOST_BYTES = 32  # more bytes are not an id
_LONGEST_RUN = 4 * LONGEST
_FRAMES = 4  # callers that distinguish one line of the program from a different line
_MOST_PORTS = 200
_MOST_AMOUNTS = 2000  # of one process and one function
# functions that say how much memory is in use: module, class and name
_AMOUNTS = (
    ("psutil", "Process", "memory_info"),
    ("psutil", "", "virtual_memory"),
    ("resource", "", "getrusage"),
    ("tracemalloc", "", "get_traced_memory"),
)


def writer(probe: "Probe") -> "Write":
    """Return a function that writes an event. A forked child without files of its own writes to those of its parent."""

    def write(event: str, **fields: "Any") -> None:
        if System.getpid() == probe.pid:
            probe.event(event, **fields)
        else:
            probe.recorder.event(event, pid=System.getpid(), **fields)

    return write


class Texts:
    """Writes the texts that the program got, up to a limit.

    `room`: how many more texts it writes. `known`: the written texts.
    """

    def __init__(self, write: "Write") -> None:
        self._write = write
        self.room = MOST_TEXTS
        self.known: "Set[str]" = set()
        self._last: "List[str]" = []

    def add(self, *texts: str) -> None:
        """Write texts, unless they are the same as the last ones. A longer text is written in parts."""
        if not self.room or list(texts) == self._last:
            return
        self._last = list(texts)
        fitting = [part for text in texts for part in _parts(text)][: self.room]
        self.room -= len(fitting)
        self.known.update(fitting)
        if fitting:
            self._write("handed", texts=fitting)
        if not self.room:
            self._write("handed", texts=[], more=True)


def _parts(text: str) -> "List[str]":
    parts = [text[begin : begin + LONGEST] for begin in range(0, len(text), LONGEST)]
    return [part for part in parts if len(part) >= SHORTEST]


def watch(probe: "Probe") -> None:
    """Note from now on the ids and ports that this process gets."""
    write = writer(probe)
    texts = Texts(write)
    _ids_of_process[:] = [texts]
    ids = _Ids(texts)
    system = os.urandom
    replace(os, "urandom", ids.noting(ids.drawn))
    hooks.after_import("random", lambda module: _watch_choices(module, ids, system))
    hooks.after_import("secrets", lambda module: replace(module, "token_bytes", ids.noting(ids.token)))
    hooks.after_import("uuid", lambda module: _watch_uuids(module, ids))
    hooks.after_import("mlflow.utils.name_utils", lambda module: _watch_names(module, ids))
    hooks.after_import("tempfile", lambda module: replace(module._RandomNameSequence, "__next__", ids.noting(ids.text)))
    hooks.after_import("socket", lambda module: _watch_ports(module, write))
    for library, owner, name in _AMOUNTS:
        hooks.after_import(library, _amounts_watcher(owner, name, _Amounts(write)))
    for moment in (probe.first_step, probe.last_step):
        moment.append(ids.end_run)
    at_fork = getattr(os, "register_at_fork", None)  # Python 3.6 has none
    if at_fork is not None:
        at_fork(after_in_child=hooks.quietly(lambda: write("child")))


_ids_of_process: "List[Texts]" = []


def is_id(value: "Any") -> bool:
    """Return whether a value is an id that this process got from the system's random bytes."""
    return type(value) is str and any(value in texts.known for texts in _ids_of_process)


class _Ids:
    """Makes texts from the values that were drawn from the system's random bytes.

    Characters that were chosen one after the other at one place make one text: W&B makes its run ids in this way,
    https://github.com/wandb/wandb/blob/main/wandb/sdk/lib/runid.py
    """

    def __init__(self, texts: "Texts") -> None:
        self._texts = texts
        self._run: "List[str]" = []
        self._site: "CallSite" = ()

    def noting(self, note: "Callable[[Any], None]") -> "FunctionMaker":
        """Return what makes a function that passes each result of the original to `note`."""
        return _noting(self._texts, note)

    def text(self, *texts: str) -> None:
        """Note unchanged texts."""
        self.end_run()
        self._texts.add(*texts)

    def drawn(self, data: bytes) -> None:
        """Note random bytes: as hexadecimal digits, and as the UUID that `uuid4` makes from them."""
        if len(data) <= _MOST_BYTES:
            self.text(data.hex(), *(_uuid4(data) if len(data) == 16 else ()))

    def token(self, data: bytes) -> None:
        """Note the bytes of a token: `token_hex` and `token_urlsafe` show them in one of these ways."""
        if len(data) <= _MOST_BYTES:
            encoded = binascii.b2a_base64(data).decode().rstrip("=\n")
            self.text(data.hex(), encoded.replace("+", "-").replace("/", "_"))

    def chosen(self, choice: "Any") -> None:
        """Note a choice. `choices` gives several at once."""
        if isinstance(choice, list):
            if all(_is_character(item) for item in choice):
                self.text("".join(choice))
            return
        if not _is_character(choice):
            self.end_run()
            return
        site = _call_site(sys._getframe(3))  # above this method, `quietly` and `noting`
        if site != self._site or len(self._run) == _LONGEST_RUN:
            self.end_run()
        self._site = site
        self._run.append(choice)

    def end_run(self) -> None:
        """Note the characters that were chosen one after the other until now.

        A loop may have made several ids of one length in a row, so each such part is noted, too.
        """
        if not self._run:
            return
        run, self._run = "".join(self._run), []
        lengths = [length for length in range(SHORTEST, len(run) + 1) if len(run) % length == 0]
        parts = [run[begin : begin + length] for length in lengths for begin in range(0, len(run), length)]
        if parts:
            self._texts.add(*parts)


def _uuid4(data: bytes) -> "Tuple[str, str]":
    """Return the UUID that `uuid4` makes from 16 random bytes, with and without hyphens.

    https://www.rfc-editor.org/rfc/rfc9562#section-5.4
    """
    number = bytearray(data)
    number[6], number[8] = number[6] & 0x0F | 0x40, number[8] & 0x3F | 0x80
    digits = number.hex()
    ends = (0, 8, 12, 16, 20, 32)
    return "-".join(digits[begin:end] for begin, end in zip(ends, ends[1:])), digits


def _is_character(value: "Any") -> bool:
    return type(value) is str and len(value) == 1


def _call_site(frame: "Optional[FrameType]") -> "CallSite":
    """Return what distinguishes a call from a call at a different line, also if both go through one function."""
    site: "List[Any]" = []
    while frame is not None and len(site) < 2 * _FRAMES:
        site += (frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return tuple(site)


def _watch_choices(module: "Any", ids: "_Ids", system: "AnyFunction") -> None:
    """Watch what SystemRandom chooses. The single bytes that it draws for this are not ids."""
    if getattr(module._urandom, "__wrapped__", None) is system or module._urandom is os.urandom:
        module._urandom = system
    for name in ("choice", "choices"):
        replace(module.SystemRandom, name, ids.noting(ids.chosen))


def _watch_names(module: "Any", ids: "_Ids") -> None:
    """Watch what names a run of MLflow: https://github.com/mlflow/mlflow/blob/master/mlflow/utils/name_utils.py"""
    replace(module, "_generate_random_name", ids.noting(ids.text))


def _watch_uuids(module: "Any", ids: "_Ids") -> None:
    """Watch the functions that make a UUID from the time and the machine. `uuid4` uses `os.urandom`."""
    for name in ("uuid1", "uuid6", "uuid7"):
        replace(module, name, ids.noting(lambda made: ids.text(str(made), made.hex)))


def _watch_ports(module: "Any", write: "Write") -> None:
    """Note the port of each socket that is bound; the kernel chooses one if the program asks for port 0."""
    known: "Set[int]" = set()

    def note(bound: "Any") -> None:
        address = bound.getsockname()
        if isinstance(address, tuple) and address[1] not in known and len(known) < _MOST_PORTS:
            known.add(address[1])
            write("bound", ports=[address[1]])

    original, quiet = module.socket.bind, hooks.quietly(note)

    @functools.wraps(original)
    def bind(self: "Any", *address: "Any") -> None:
        original(self, *address)
        quiet(self)

    bind.__module__ = getattr(original, "__module__", None)  # type: ignore[assignment]  # a built-in method has none
    module.socket.bind = bind


class _Amounts:
    """Writes amounts of memory that the process was told, each once, up to a limit. `room`: how many more it takes."""

    def __init__(self, write: "Write") -> None:
        self._write = write
        self.room = _MOST_AMOUNTS
        self._known: "Set[int]" = set()

    def note(self, told: "Any") -> None:
        new = sorted({number for number in told if type(number) is int and number > 0} - self._known)[: self.room]
        self.room -= len(new)
        self._known.update(new)
        if new:
            self._write("amounts", numbers=new)


def _amounts_watcher(owner: str, name: str, amounts: "_Amounts") -> "Callable[[Any], None]":
    def install(module: "Any") -> None:
        replace(getattr(module, owner) if owner else module, name, _noting(amounts, amounts.note))

    return install


def _noting(limit: "Union[Texts, _Amounts]", note: "Callable[[Any], None]") -> "FunctionMaker":
    """Return what makes a function that passes each result of the original to `note`, while there is room."""
    quiet = hooks.quietly(note)

    def make(original: "AnyFunction") -> "AnyFunction":
        @functools.wraps(original)
        def call(*args: "Any", **kwargs: "Any") -> "Any":
            result = original(*args, **kwargs)
            if limit.room:
                quiet(result)
            return result

        return call

    return make
