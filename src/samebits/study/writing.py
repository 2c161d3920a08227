"""What is written of a study: nothing yet but its document."""

from __future__ import annotations

from pathlib import Path

from samebits.study.results import StudyResult


def write(result: StudyResult, folder: Path) -> list[Path]:
    return []


def summary(result: StudyResult, written: list[Path]) -> str:
    return "".join(f"{s.id} {s.status} {s.groups} {s.reason[:80]}\n" for s in result.setups)
