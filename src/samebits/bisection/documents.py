"""The document of `samebits bisect --json`."""

# no `from __future__ import annotations`: see `samebits.model`
from typing import Literal

from samebits.document import Document
from samebits.model import Divergence

__all__ = ["BisectionResult", "CheckedCommit", "Outcome"]

BISECTION_FORMAT = 1
Outcome = Literal["good", "bad", "skipped", "uncertain"]


class CheckedCommit(Document):
    """A commit that was tried. `name`: its short name and subject. `divergence`: from the good commit, if it is bad.

    `why`: the reason if it was skipped, or if it is uncertain because its own trials diverge.
    """

    commit: str
    name: str
    outcome: Outcome
    why: str = ""
    divergence: Divergence | None = None


class BisectionResult(Document):
    """The answer of `samebits bisect`. `good`, `bad`: the names that were given.

    `first_bad`: the first commit with different bits. There are several if some of them give no answer: one of them is
    it. There is none if the two ends have the same bits. `records`: the folder with the record of each commit.
    """

    format: int = BISECTION_FORMAT
    samebits: str
    good: str
    bad: str
    first_bad: list[str]
    commits: list[CheckedCommit]
    records: str
