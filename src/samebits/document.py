"""Defines what all documents have in common. pydantic checks them, writes them as JSON, and makes their schemas.

The import of pydantic and the schemas of the documents take about 70 ms of a check. Code that read plain documents
without pydantic saved this time, and was as long as all of these documents together.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

__all__ = ["NOT_FINITE", "AnyNumber", "Document", "Pair"]

NOT_FINITE = ("NaN", "Infinity", "-Infinity")


class Document(BaseModel):
    """A frozen document. It ignores fields that a newer minor version added.

    A number that is not finite is written as the text "NaN", "Infinity" or "-Infinity", because JSON has no such
    numbers. pydantic makes what a class needs when the class is first used.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings", defer_build=True)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and value in NOT_FINITE else value


# a number of a training, such as its loss, which may be NaN or infinite; older documents do not quote NaN
AnyNumber = Annotated[
    float, BeforeValidator(_number), WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}]})
]
Pair = Field(min_length=2, max_length=2)  # the length of a list; a tuple is not strict JSON
