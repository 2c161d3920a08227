"""Defines the base of all documents of samebits.

Documents are frozen, checked when they are read, and written as strict JSON.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

__all__ = ["NOT_FINITE", "AnyNumber", "Document"]


class Document(BaseModel):
    """A frozen document. It ignores fields that a newer minor version added.

    A number that is not finite is written as the text "NaN", "Infinity" or "-Infinity", because JSON has no such
    numbers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings", defer_build=True)


NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in NOT_FINITE else value


# a number of a training, such as its loss, which may be NaN or infinite; older documents do not quote NaN
AnyNumber = Annotated[
    float,
    BeforeValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}]}),
]
