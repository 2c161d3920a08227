"""Reads and writes documents whose values are plainly right, without pydantic.

It gives what pydantic gives. If it cannot be sure of that, it raises UnsureError, and pydantic decides: about a value
of the wrong type, a value that must be converted, and an annotation that this module does not know. The tests compare
the two.
"""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Callable, Collection
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

if TYPE_CHECKING:
    from samebits.document import Document

__all__ = ["UnsureError", "defaults", "json_of", "read", "written"]

Check = Callable[[Any], Any]  # returns the value that the document keeps
_REQUIRED: Any = object()
_WHOLE = 1 << 53  # a float holds each smaller whole number


class UnsureError(Exception):
    """Only pydantic can tell."""


class _Field(NamedTuple):
    check: Check
    default: Any


def _find_fields(kind: type[Document]) -> dict[str, _Field]:
    hints = kind.model_fields
    if any(isinstance(hint, str) for hint in hints.values()):
        try:
            hints = typing.get_type_hints(kind, include_extras=True)
        except NameError:  # a class inside a function
            raise UnsureError from None
    return {name: _Field(_check_of(hints[name]), vars(kind).get(name, _REQUIRED)) for name in kind.model_fields}


_fields: Callable[[Any], dict[str, _Field]] = cache(_find_fields)  # Any: mypy does not see that a class can be a key


def read(kind: type[Document], content: Any) -> dict[str, Any]:
    """Return the values of a document's fields. Raises UnsureError."""
    if type(content) is not dict or "fault" in vars(kind):
        raise UnsureError
    content, found = kind.of_older(content), {}
    for name, field in _fields(kind).items():
        if name in content:
            found[name] = field.check(content[name])
        elif field.default is _REQUIRED:
            raise UnsureError
        else:
            found[name] = _copied(field.default)
    return found


def defaults(kind: type[Document]) -> dict[str, Any]:
    """Return the defaults of the fields that have one."""
    known = vars(kind)
    return {name: _copied(known[name]) for name in kind.model_fields if name in known}


def _copied(value: Any) -> Any:
    """Return a default as pydantic gives it: no two documents share a list."""
    if type(value) is list:
        return [_copied(item) for item in value]
    if type(value) is dict:
        return {name: _copied(item) for name, item in value.items()}
    return value.model_copy(update=_copied(vars(value))) if _is_document(type(value)) else value


def _is_document(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "of_older")


# -- what is plainly right --------------------------------------------------------------------------------------------


def _check_of(hint: Any) -> Check:
    """Return the check of values with this annotation."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        return _document(hint) if _is_document(hint) else _SIMPLE.get(hint, _unsure)
    if origin is Literal:
        return _literal(inner)
    if origin is list:
        return _list(_check_of(inner[0]))
    if origin is dict:
        return _dict(_check_of(inner[0]), _check_of(inner[1]))
    return _union(inner) if origin in (Union, UnionType) else _unsure


def _unsure(_: Any) -> Any:
    raise UnsureError


def _exact(kind: type) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise UnsureError
        return value

    return check


def _float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int and -_WHOLE < value < _WHOLE:
        return float(value)
    raise UnsureError


_SIMPLE: dict[Any, Check] = {
    **{kind: _exact(kind) for kind in (str, int, bool, NoneType)},
    float: _float,
    Any: lambda value: value,
}


def _literal(values: Collection[Any]) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not str or value not in values:
            raise UnsureError
        return value

    return check


def _list(item: Check) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not list:
            raise UnsureError
        return [item(one) for one in value]

    return check


def _dict(key: Check, item: Check) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise UnsureError
        return {key(name): item(one) for name, one in value.items()}

    return check


def _document(kind: type[Document]) -> Check:
    def check(value: Any) -> Any:
        return value if type(value) is kind else kind.model_construct(**read(kind, value))

    return check


def _union(hints: Collection[Any]) -> Check:
    """Return the check of a union. Only pydantic can choose among several lists, dictionaries or documents."""
    simple = [hint for hint in hints if hint in _SIMPLE or typing.get_origin(hint) is Literal]
    if Any in simple or len(hints) - len(simple) > 1:
        return _unsure
    checks = [_check_of(hint) for hint in sorted(hints, key=lambda hint: hint is float)]  # a whole number stays whole

    def check(value: Any) -> Any:
        for one in checks:
            try:
                return one(value)
            except UnsureError:
                continue
        raise UnsureError

    return check


# -- how it is written ------------------------------------------------------------------------------------------------


def written(
    document: Document, include: Collection[str] | None = None, *, without_defaults: bool = False
) -> dict[str, Any]:
    """Return a document as a value of JSON. `include`: the names of the fields. Raises UnsureError."""
    kind, known, found = type(document), vars(document), {}
    for name, field in _fields(kind).items():
        if (include is not None and name not in include) or name not in known:
            continue
        value = field.check(known[name])  # a copy with different values was not checked
        if not (without_defaults and value == field.default):
            found[name] = _json_value(value, without_defaults=without_defaults)
    for name in kind.written_too:
        if include is None or name in include:
            found[name] = _json_value(getattr(document, name))
    return found


def _json_value(value: Any, *, without_defaults: bool = False) -> Any:
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        if not math.isfinite(value) or "e" in repr(value):  # pydantic writes these differently
            raise UnsureError
        return value
    if kind is list:
        return [_json_value(item, without_defaults=without_defaults) for item in value]
    if kind is dict and all(type(name) is str for name in value):
        return {name: _json_value(item, without_defaults=without_defaults) for name, item in value.items()}
    if _is_document(kind):
        return written(value, without_defaults=without_defaults)
    raise UnsureError


def json_of(content: dict[str, Any], indent: int | None, *, ensure_ascii: bool) -> str:
    """Return a value of JSON as pydantic writes it. Raises UnsureError for a text that is not UTF-8."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(content, indent=indent, ensure_ascii=ensure_ascii, separators=separators, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnsureError from None
    return text
