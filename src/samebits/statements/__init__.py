"""Statements about a training: what a check has shown, in a form that other tools read, sign and compare.

`statement` makes the in-toto Statement of a record, `claim` has its form, `model_files` finds the files of the trained
model, `verification` compares a statement with files and with new trials, `paper` says the same in prose.
"""

from __future__ import annotations

from samebits.statements.paper import paragraph
from samebits.statements.statement import statement_of
from samebits.statements.verification import read_claims, verify

__all__ = ["paragraph", "read_claims", "statement_of", "verify"]
