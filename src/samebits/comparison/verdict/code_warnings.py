"""Warnings about the code of the trials, and the packages that they had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from samebits import words
from samebits.comparison.verdict.setup import packages

if TYPE_CHECKING:
    from samebits.comparison.verdict.warnings import WarningInputs

__all__ = ["changed_code", "different_packages", "uncommitted_code"]


def changed_code(inputs: WarningInputs) -> Iterator[str]:
    if inputs.setup.code_changed:
        yield "the code was changed between the trials"


def uncommitted_code(inputs: WarningInputs) -> Iterator[str]:
    if any(trial.file.code.get("dirty") for trial in inputs.trials):
        yield "the code has changes that are not committed; the commit alone does not identify the code that ran"


def different_packages(inputs: WarningInputs) -> Iterator[str]:
    by_trial = [packages(trial) for trial in inputs.trials if trial.observed]
    names = sorted({name for versions in by_trial for name in versions})
    differing = [name for name in names if len({versions[name] for versions in by_trial if name in versions}) > 1]
    if differing:
        yield f"the trials had different versions of {words.listed(differing)}"
