"""Defines the base of all documents of samebits.

Documents are frozen, checked when they are made or read, and written as strict JSON. pydantic decides what is right,
and words its errors. But its import takes a tenth of a second, and a check makes its first documents before its first
trial. So values that are plainly right need no pydantic (`plain`). All other values go to pydantic (`models`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003  (pydantic looks it up)
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast

from samebits.document import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[type], type]:
        """Tell type checkers how documents are made. `typing` has it only from Python 3.11 on."""
        return lambda kind: kind


__all__ = ["NOT_FINITE", "AnyNumber", "Document", "Length"]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Document:
    """A frozen document. It ignores fields that a newer minor version added.

    A number that is not finite is written as the text "NaN", "Infinity" or "-Infinity", because JSON has no such
    numbers. The methods `model_...` do what those of `pydantic.BaseModel` do. `written_too`: the properties that are
    written like fields.
    """

    model_fields: ClassVar[Mapping[str, Any]] = {}
    written_too: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.model_fields = {name: kind for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind)}

    def __init__(self, **values: Any) -> None:
        vars(self).update(_checked(type(self), values))

    # -- what a class can replace -------------------------------------------------------------------------------------

    @classmethod
    def of_older(cls, content: Any) -> Any:
        """Return the content of a document as this version writes it."""
        return content

    def fault(self) -> str:
        """Return what is wrong with fields that are right one by one; "" if nothing is."""
        return ""

    # -- made and read ------------------------------------------------------------------------------------------------

    @classmethod
    def model_validate(cls, content: Any, *, strict: bool | None = None) -> Self:
        """Return the content as a document. Raises pydantic.ValidationError."""
        return content if type(content) is cls else _made(cls, _checked(cls, content, strict=strict))

    @classmethod
    def model_validate_json(cls, content: str | bytes, *, strict: bool | None = None) -> Self:
        """Return a JSON text as a document. Raises pydantic.ValidationError."""
        from samebits.document import models

        return _made(cls, vars(models.model_of(cls).model_validate_json(content, strict=strict)))

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """Return a document without a check. Fields without a value and a default are missing."""
        return _made(cls, {**plain.defaults(cls), **values})

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Return a copy with different values in some fields. The values are not checked."""
        return _made(type(self), {**self.__dict__, **(update or {})})

    # -- written ------------------------------------------------------------------------------------------------------

    def model_dump(self, **choice: Any) -> dict[str, Any]:
        """Return the fields as a dictionary, and those of the documents in it. `choice`: as pydantic's."""
        if choice.keys() <= {"include", "mode"}:
            try:
                return plain.written(self, choice.get("include"))
            except plain.UnsureError:
                pass
        from samebits.document import models

        return models.as_model(self).model_dump(**choice)

    def model_dump_json(self, *, indent: int | None = None, ensure_ascii: bool = False, **choice: Any) -> str:
        """Return the document as JSON. `choice`: as pydantic's."""
        if choice.keys() <= {"exclude_defaults"}:
            try:
                content = plain.written(self, without_defaults=choice.get("exclude_defaults", False))
                return plain.json_of(content, indent, ensure_ascii=ensure_ascii)
            except plain.UnsureError:
                pass
        from samebits.document import models

        text = models.as_model(self).model_dump_json(indent=indent, **choice)
        return json.dumps(json.loads(text), indent=indent) if ensure_ascii else text

    @classmethod
    def model_json_schema(cls, mode: Any = "validation") -> dict[str, Any]:
        """Return the JSON schema of the documents of this class."""
        from samebits.document import models

        return models.model_of(cls).model_json_schema(mode=mode)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from samebits.document import models

        return models.schema_within(cls, handler)

    # -- a value ------------------------------------------------------------------------------------------------------

    def _values(self) -> tuple[Any, ...]:
        known = self.__dict__
        return tuple(known.get(name) for name in type(self).model_fields)

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        known = self.__dict__
        return f"{type(self).__name__}({', '.join(f'{name}={known[name]!r}' for name in known)})"

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be removed")


_D = TypeVar("_D", bound=Document)


def _made(kind: type[_D], values: Mapping[str, Any]) -> _D:
    made = object.__new__(kind)
    vars(made).update(values)
    return made


def _checked(kind: type[Document], content: Any, *, strict: bool | None = None) -> Mapping[str, Any]:
    """Return the values of the fields. Raises pydantic.ValidationError."""
    try:
        return plain.read(kind, content)
    except plain.UnsureError:
        from samebits.document import models

        return vars(models.model_of(kind).model_validate(content, strict=strict))


NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in NOT_FINITE else value


class _AnyNumber:
    """Tells pydantic how to read a number that need not be finite."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(_number, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}]}


# a number of a training, such as its loss, which may be NaN or infinite; older documents do not quote NaN
AnyNumber = Annotated[float, _AnyNumber()]


class Length:
    """Tells pydantic how long a list must be."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        items = cast("core_schema.ListSchema", handler(source))
        return core_schema.list_schema(items["items_schema"], min_length=self.length, max_length=self.length)
