"""Holds one difference in what trials left."""

from __future__ import annotations

from dataclasses import dataclass

from samebits.comparison.classification import Effect


@dataclass(frozen=True)
class FileDifference:
    """A part of a file, a printed line, or a metric that differs, and what the difference means.

    `missing`: it is a file that --artifact names, and only one trial wrote it. `values`: those of both trials, if they
    were kept.
    """

    name: str
    detail: str
    missing: bool = False
    effect: Effect = "counts"
    reason: str = ""
    path: str = ""
    values: tuple[str, str] = ("", "")
    is_caveat: bool = False  # it is not understood, but it is no difference in a result: lines of a first run
