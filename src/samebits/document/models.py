"""The model of pydantic for each class of documents. It checks what is not plainly right, and words the errors."""

from __future__ import annotations

import typing
from collections.abc import Callable
from functools import cache
from types import new_class
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, computed_field, model_validator
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

    from samebits.document import Document

__all__ = ["as_model", "model_of", "schema_within"]

_CONFIG = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


def _make_model(kind: type[Document]) -> type[BaseModel]:
    """Return the model of a class of documents. Its documents have the same fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    names, own = kind.model_fields, vars(kind)
    body: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body |= {"model_config": _CONFIG, "__annotations__": {name: hints[name] for name in names}}
    body |= {name: own[name] for name in names if name in own}
    body |= {name: computed_field(own[name]) for name in kind.written_too}

    def of_older(_: type[BaseModel], content: Any) -> Any:
        return kind.of_older(content)

    def whole(model: Any) -> Any:
        if why := kind.fault(model):
            raise ValueError(why)
        return model

    if "of_older" in own:
        before: Any = classmethod(of_older)
        body["of_older"] = model_validator(mode="before")(before)
    if "fault" in own:
        body["fault"] = model_validator(mode="after")(whole)
    return new_class(kind.__name__, (BaseModel,), exec_body=lambda names: names.update(body))


model_of: Callable[[Any], type[BaseModel]] = cache(_make_model)  # Any: mypy does not see that a class can be a key


def as_model(document: Document) -> BaseModel:
    """Return a document as an object of its model, without a check."""
    return model_of(type(document)).model_construct(**vars(document))


def schema_within(kind: type[Document], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """Return what pydantic needs for a document that is a part of a different one."""
    inner = handler.generate_schema(model_of(kind))

    def read(value: Any, check: Any) -> Any:
        return value if type(value) is kind else kind.model_construct(**vars(check(value)))

    writing = core_schema.plain_serializer_function_ser_schema(as_model, return_schema=inner)
    return core_schema.no_info_wrap_validator_function(read, inner, serialization=writing)
