"""What was measured, as it is written and read: the document of `samebits parity defaults --json`."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from samebits.document import Document
from samebits_parity.options import Group
from samebits_parity.report import Agreement

Status = Literal["measured", "none", "refused", "failed"]


class Measurement(Document):
    """One behaviour of one library. `numbers`: what it gave; `meaning`: an id of the table, the value that was solved
    for, or what begins with "unknown"; null where nothing was measured. `words`: the meaning, or why there is none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    behaviour: str
    library: str
    version: str
    status: Status
    numbers: list[float]
    meaning: str | None
    words: str
    number: float | None


class BehaviourComparison(Document):
    """A behaviour over all libraries. `differs`: null where fewer than two libraries have it."""

    behaviour: str
    group: Group
    words: str
    differs: bool | None


class Parameter(Document):
    """`row`: the name under which libraries' parameters stand side by side; `default`: as Python writes it, null
    where a value has to be given."""

    name: str
    row: str
    default: str | None


class Signature(Document):
    """Of a class, read from the installed library."""

    name: str
    group: Group
    library: str
    path: str
    parameters: list[Parameter]


class Defaults(Document):
    """The whole result. `versions`: of the libraries that were measured."""

    format: int = 1
    samebits: str
    created: str
    verdict: Agreement
    sentence: str
    versions: dict[str, str]
    behaviours: list[BehaviourComparison]
    measured: list[Measurement]
    signatures: list[Signature]
    notes: list[str]

    def of(self, behaviour: str, library: str) -> Measurement | None:
        """What a library does."""
        return next((one for one in self.measured if (one.behaviour, one.library) == (behaviour, library)), None)
