"""Defines the form of a statement.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md say what each field means. The names of
the fields are theirs.
"""

# no `from __future__ import annotations`: see `samebits.model`
from typing import Final, Literal

from pydantic import Field

from samebits.document import Document
from samebits.model import Verdict

__all__ = ["COMMIT", "PREDICATE", "STATEMENT", "Claim", "Resource", "TestOutcome"]

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"
COMMIT = "gitCommit"  # the name of a digest in https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
VERDICTS: dict[str, Verdict] = {"PASSED": "repeated", "WARNED": "repeated", "FAILED": "diverged"}


class Resource(Document):
    """A file or a commit, known by its digest. `name`: where it was."""

    name: str
    digest: dict[str, str]


class TestOutcome(Document):
    """What was tested, and the outcome. `configuration`: the files that decide the outcome, but are not its subject."""

    __test__ = False  # pytest must not take it for a test

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: list[Resource]
    passedTests: list[str] = []
    warnedTests: list[str] = []
    failedTests: list[str] = []

    @property
    def is_consistent(self) -> bool:
        """Return whether the result is that of the tests."""
        failed, warned = bool(self.failedTests), bool(self.warnedTests)
        names = "FAILED" if failed else "WARNED" if warned else "PASSED" if self.passedTests else ""
        return self.result == names


class Claim(Document):
    """One statement."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type", default=STATEMENT)
    subject: list[Resource] = Field(min_length=1)
    predicateType: Literal["https://in-toto.io/attestation/test-result/v0.1"] = PREDICATE
    predicate: TestOutcome

    @property
    def line(self) -> str:
        """The statement as one line of a file of claims."""
        return self.model_dump_json(by_alias=True) + "\n"

    @property
    def verdict(self) -> Verdict:
        """The verdict that the result stands for."""
        return VERDICTS[self.predicate.result]
