"""Pickles read without being run: opcodes become inert values, and nothing is imported, called or built.

`read(stream)` gives what the pickle describes: numbers, text, lists, tuples and dicts as themselves; a global as
`Global`; a call, with what was set or added to its result, as `Made`; a persistent id as `Persistent`. The opcodes
are those of pickletools, protocols 0 to 5. Raises ValueError for what is no pickle.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass(frozen=True)
class Global:
    """A name that the pickle refers to, as ``module.name``."""

    name: str


@dataclass(frozen=True)
class Persistent:
    """A persistent id."""

    key: Any


@dataclass
class Made:
    """What a call would give. `items`: appended or added; `pairs`: keys set; `state`: given to BUILD."""

    function: Any
    arguments: Any
    items: list[Any] = field(default_factory=list)
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    state: Any = None


@dataclass
class AnyKeyDict:
    """A dict whose keys may be anything, inert values too. `pairs` in the order in which they were set."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)


MOST_OPCODES = 20_000_000
MOST_TEXT = 4096  # characters of a value that serves as a name


def text_of(value: Any) -> str:
    """An inert value as text, for a name or an order. It is cut, since a short pickle can stand for endless text."""
    pieces, left, waiting = list[str](), MOST_TEXT, [value]
    while waiting and left > 0:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            piece = repr(one[:MOST_TEXT])
        elif isinstance(one, (list, tuple)):
            piece = f"{type(one).__name__}({len(one)}"
            waiting += reversed(one[:MOST_TEXT])
        elif isinstance(one, AnyKeyDict):
            piece = f"dict({len(one.pairs)}"
            waiting += reversed([part for pair in one.pairs[:MOST_TEXT] for part in pair])
        elif isinstance(one, Made):
            piece = f"made({len(one.items)},{len(one.pairs)}"
            of_pairs = [part for pair in one.pairs[:MOST_TEXT] for part in pair]
            waiting += reversed([one.function, one.arguments, *one.items[:MOST_TEXT], *of_pairs, one.state])
        elif isinstance(one, Persistent):
            piece = "persistent"
            waiting.append(one.key)
        else:
            piece = one.name if isinstance(one, Global) else repr(one)
        pieces.append(piece)
        left -= len(piece) + 1
    return " ".join(pieces)[:MOST_TEXT]


_MARK = object()


class _Machine:
    """The pickle machine's stack and memo."""

    def __init__(self, built: Callable[[Made], None]) -> None:
        self.built = built
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Take the top; a mark there is a fault."""
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("the pickle takes more from its stack than it has put there")
        return self.stack.pop()

    def to_mark(self) -> list[Any]:
        """Take everything above the last mark, and the mark."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                taken = self.stack[at + 1 :]
                del self.stack[at:]
                return taken
        raise ValueError("the pickle has no mark where it needs one")

    def top(self) -> Any:
        """The top, left there."""
        value = self.pop()
        self.stack.append(value)
        return value

    def recall(self, number: Any) -> Any:
        """What was put into the memo."""
        if number not in self.memo:
            raise ValueError(f"the pickle refers to number {number}, which it never stored")
        return self.memo[number]


def read(stream: IO[bytes], built: Callable[[Made], None] = lambda made: None) -> Any:
    """The value of the next pickle of the stream, which is left behind it.

    `built`: is given each object whose state was set, at that place of the stream.
    """
    machine = _Machine(built)
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number > MOST_OPCODES:
            raise ValueError(f"the pickle has more than {MOST_OPCODES:,} opcodes")
        if opcode.name == "STOP":
            return machine.pop()
        step = _STEPS.get(opcode.name)
        if step is None:
            raise ValueError(f"the pickle opcode {opcode.name} is not known here")
        step(machine, argument)
    raise ValueError("the pickle has no end")


_Step = Callable[[_Machine, Any], None]


def _push(make: Callable[[Any], Any]) -> _Step:
    return lambda machine, argument: machine.stack.append(make(argument))


def _nothing(machine: _Machine, argument: Any) -> None:
    """Framing and protocol numbers say nothing about the value."""


def _mark(machine: _Machine, argument: Any) -> None:
    machine.stack.append(_MARK)


def _tuple_of(number: int) -> _Step:
    def step(machine: _Machine, argument: Any) -> None:
        taken = [machine.pop() for _ in range(number)]
        machine.stack.append(tuple(reversed(taken)))

    return step


def _from_mark(make: Callable[[list[Any]], Any]) -> _Step:
    return lambda machine, argument: machine.stack.append(make(machine.to_mark()))


def _table(items: list[Any]) -> AnyKeyDict:
    return AnyKeyDict(list(zip(items[::2], items[1::2], strict=True)))


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, Made):
        target.items += items
    elif isinstance(target, list):
        target += items
    else:
        raise ValueError("the pickle adds to something that is not a list")


def _append(machine: _Machine, argument: Any) -> None:
    item = machine.pop()
    _extend(machine.top(), [item])


def _appends(machine: _Machine, argument: Any) -> None:
    items = machine.to_mark()
    _extend(machine.top(), items)


def _set(target: Any, items: list[Any]) -> None:
    if not isinstance(target, (Made, AnyKeyDict)):
        raise ValueError("the pickle sets keys of something that is not a dict")
    target.pairs += zip(items[::2], items[1::2], strict=True)


def _setitem(machine: _Machine, argument: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set(machine.top(), [key, value])


def _setitems(machine: _Machine, argument: Any) -> None:
    items = machine.to_mark()
    _set(machine.top(), items)


def _put(machine: _Machine, argument: Any) -> None:
    machine.memo[int(argument)] = machine.top()


def _memoize(machine: _Machine, argument: Any) -> None:
    machine.memo[len(machine.memo)] = machine.top()


def _get(machine: _Machine, argument: Any) -> None:
    machine.stack.append(machine.recall(int(argument)))


def _stack_global(machine: _Machine, argument: Any) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise ValueError("the pickle names a global by something that is not text")
    machine.stack.append(Global(f"{module}.{name}"))


def _reduce(machine: _Machine, argument: Any) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.stack.append(Made(function, arguments))


def _newobj_ex(machine: _Machine, argument: Any) -> None:
    named, arguments, kind = machine.pop(), machine.pop(), machine.pop()
    machine.stack.append(Made(kind, (arguments, named)))


def _inst(machine: _Machine, argument: Any) -> None:
    machine.stack.append(Made(Global(str(argument).replace(" ", ".")), tuple(machine.to_mark())))


def _obj(machine: _Machine, argument: Any) -> None:
    kind, *arguments = machine.to_mark()
    machine.stack.append(Made(kind, tuple(arguments)))


def _build(machine: _Machine, argument: Any) -> None:
    state = machine.pop()
    target = machine.top()
    if not isinstance(target, Made):
        raise ValueError("the pickle sets the state of something that it did not make")
    target.state = state
    machine.built(target)


def _persistent(machine: _Machine, argument: Any) -> None:
    machine.stack.append(Persistent(machine.pop()))


def _pop(machine: _Machine, argument: Any) -> None:
    if machine.stack and machine.stack[-1] is _MARK:
        machine.stack.pop()
    else:
        machine.pop()


def _pop_mark(machine: _Machine, argument: Any) -> None:
    machine.to_mark()


_VALUES = (
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8", "FLOAT", "BINFLOAT",
)  # fmt: skip

_STEPS: dict[str, _Step] = {
    **{name: _push(lambda argument: argument) for name in _VALUES},
    **{name: _nothing for name in ("PROTO", "FRAME", "READONLY_BUFFER")},
    **{name: _put for name in ("PUT", "BINPUT", "LONG_BINPUT")},
    **{name: _get for name in ("GET", "BINGET", "LONG_BINGET")},
    **{name: _push(lambda argument: Global(f"extension.{argument}")) for name in ("EXT1", "EXT2", "EXT4")},
    "NONE": _push(lambda argument: None),
    "NEWTRUE": _push(lambda argument: True),
    "NEWFALSE": _push(lambda argument: False),
    "NEXT_BUFFER": _push(lambda argument: Persistent("buffer")),
    "EMPTY_LIST": _push(lambda argument: []),
    "EMPTY_TUPLE": _push(lambda argument: ()),
    "EMPTY_DICT": _push(lambda argument: AnyKeyDict()),
    "EMPTY_SET": _push(lambda argument: Made(Global("builtins.set"), ())),
    "MARK": _mark,
    "TUPLE": _from_mark(tuple),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "LIST": _from_mark(list),
    "DICT": _from_mark(_table),
    "FROZENSET": _from_mark(lambda items: Made(Global("builtins.frozenset"), (), items)),
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "SETITEM": _setitem,
    "SETITEMS": _setitems,
    "MEMOIZE": _memoize,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": lambda machine, argument: machine.stack.append(machine.top()),
    "GLOBAL": _push(lambda argument: Global(str(argument).replace(" ", "."))),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "INST": _inst,
    "OBJ": _obj,
    "BUILD": _build,
    "PERSID": _push(Persistent),
    "BINPERSID": _persistent,
}
