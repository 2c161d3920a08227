"""Defines the document of the comparison with a golden file."""

# no `from __future__ import annotations`: see `samebits.model`
from typing import Literal

from samebits.document import Document

__all__ = ["GoldenAnswer"]


class GoldenAnswer(Document):
    """The comparison of new trials with a golden file.

    `state`: the bits are equal, or differ; the file has no block for this machine (`unknown`), or none for these
    versions (`changed`); the block was written; nothing was compared or written (`refused`). `block`: its name in the
    file. `made`, `trials`: when it was made, and by how many trials that agreed. `steps`: the steps compared, which
    are all of them or the first ones (`scope`). `where`: the first difference, at `step`, in values of `kind`. `paste`:
    the block of the new trials. `accept`: what writes it, if not `samebits check` did the check.
    """

    file: str
    state: Literal["equal", "differs", "unknown", "changed", "written", "refused"]
    sentence: str
    block: str = ""
    made: str = ""
    trials: int = 0
    steps: int = 0
    scope: Literal["whole", "prefix"] = "whole"
    where: str = ""
    step: int | None = None
    kind: str = ""
    detail: str = ""
    size: str = ""
    paste: str = ""
    command: str = ""
    accept: str = ""
