"""Data classes whose methods are not compiled for each class.

For each data class, Python writes the text of its methods and compiles it. This takes half a millisecond, and a check
imports about 70 such classes. The methods here read the list of the fields instead, so a class takes a twentieth of
that time, and an object takes a few microseconds. If thousands of objects are made, use `dataclasses.dataclass`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["dataclass"]

_OPTIONS = {"frozen", "eq", "kw_only"}


class _Fields:
    """The fields of a class, sorted by how an object gets its values."""

    def __init__(self, kind: Any) -> None:
        fields = dataclasses.fields(kind)
        self.positional = [one.name for one in fields if not one.kw_only]
        self.names = [one.name for one in fields]
        self._compared = [one.name for one in fields if one.compare]
        self.shown = [one.name for one in fields if one.repr]
        self.defaults = {one.name: one.default for one in fields if one.default is not dataclasses.MISSING}
        made = ((one.name, one.default_factory) for one in fields)
        self.factories = [(name, make) for name, make in made if make is not dataclasses.MISSING]
        given = {*self.defaults, *(name for name, _ in self.factories)}
        self.required = [name for name in self.names if name not in given]

    def values(self, of: object) -> tuple[Any, ...]:
        """Return the values by which two objects are compared."""
        return tuple(getattr(of, name) for name in self._compared)


def _initializer(kind: Any, fields: _Fields) -> Any:
    name, positional, known = f"{kind.__qualname__}()", fields.positional, frozenset(fields.names)

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807
        if len(values) > len(positional):
            raise TypeError(f"{name} takes {len(positional)} positional values, and not {len(values)}")
        given = dict(zip(positional, values, strict=False))
        if not known.issuperset(named) or not given.keys().isdisjoint(named):
            wrong = next(one for one in named if one in given or one not in known)
            raise TypeError(f"{name} got {'two values for' if wrong in given else 'the unknown field'} {wrong!r}")
        found = {**fields.defaults, **given, **named}
        for field, make in fields.factories:
            if field not in found:
                found[field] = make()
        if len(found) != len(known):
            missing = ", ".join(repr(one) for one in fields.required if one not in found)
            raise TypeError(f"{name} misses {missing}")
        vars(self).update(found)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return __init__


def _comparison(fields: _Fields) -> Any:
    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        if type(other) is not type(self):
            return NotImplemented
        return fields.values(self) == fields.values(other)

    return __eq__


def _hash(fields: _Fields) -> Any:
    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(fields.values(self))

    return __hash__


def _text(fields: _Fields) -> Any:
    def __repr__(self: Any) -> str:  # noqa: N807
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields.shown)
        return f"{type(self).__qualname__}({shown})"

    return __repr__


def _refusals(kind: Any, names: Collection[str]) -> dict[str, Any]:
    """Return the methods of a frozen class. A class that derives from it may have more attributes."""

    def __setattr__(self: Any, name: str, value: Any) -> None:  # noqa: N807
        if type(self) is kind or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(kind, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: N807
        if type(self) is kind or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(kind, self).__delattr__(name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


def _made(kind: Any, *, frozen: bool = False, eq: bool = True, **options: Any) -> Any:
    own = vars(kind).keys() - ({"__hash__"} if vars(kind).get("__hash__") is None else set())
    bases: list[Any] = [base for base in kind.__mro__[1:] if dataclasses.is_dataclass(base)]
    derives = any(base.__dataclass_params__.frozen for base in bases)
    kind = dataclasses.dataclass(init=False, repr=False, eq=False, frozen=derives, **options)(kind)
    fields, params = _Fields(kind), kind.__dataclass_params__
    params.init, params.repr, params.eq, params.frozen = True, True, eq, frozen
    methods = {"__init__": _initializer(kind, fields), "__repr__": _text(fields)}
    if eq:
        methods |= {"__eq__": _comparison(fields), "__hash__": _hash(fields) if frozen else None}
    if frozen:
        methods |= _refusals(kind, fields.names)
    for name, method in methods.items():
        if name not in own:
            setattr(kind, name, method)
    return kind


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(kind: type | None = None, **options: Any) -> Any:
        """Do what `dataclasses.dataclass` does. It compiles the methods if an option other than these is given:
        `frozen`, `eq`, `kw_only`.
        """
        make = _made if options.keys() <= _OPTIONS else dataclasses.dataclass
        return make(kind, **options) if kind is not None else lambda kind: make(kind, **options)
