"""What a report says about the comparison with a golden file."""

from __future__ import annotations

import os
from collections.abc import Iterator

from samebits import words
from samebits.golden_answer import GoldenAnswer
from samebits.reports.table import Cell, StyledText
from samebits.reports.tree import AnyBlock, Code, Facts, Text

_MOST_LINES = 100


def only_golden_differs(golden: GoldenAnswer | None) -> bool:
    """Return whether the trials agree with each other, and not with the golden file."""
    return golden is not None and golden.state == "differs"


def golden_blocks(golden: GoldenAnswer) -> Iterator[AnyBlock]:
    """Yield the facts about the golden file, and the block to paste."""
    yield Facts(tuple((label, cell) for label, cell in _rows(golden) if cell))
    lines = len(golden.paste.splitlines())
    if 0 < lines <= _MOST_LINES or (lines and "CI" in os.environ):  # in CI, people can only copy what they see
        yield Code(golden.paste.rstrip(), f"the block of this environment, for {golden.file}")
    elif lines:
        yield Text(f"The block of this environment has {lines:,} lines: --json holds it.")


def _rows(golden: GoldenAnswer) -> Iterator[tuple[str, Cell]]:
    origin = f" (block {golden.block}: {words.count(golden.trials, 'trial')} agreed, {golden.made})"
    yield "golden", golden.file + (origin if golden.state in ("equal", "differs") else "")
    yield "", golden.sentence if golden.state in ("written", "refused") else ""
    if golden.state == "differs":
        yield "where", golden.where
        yield "what", golden.detail
        yield "size", golden.size
        again = golden.accept or f"samebits check --golden {golden.file} --update -- {golden.command}"
        yield "accept", StyledText(again, "command")


def golden_lines(golden: GoldenAnswer) -> Iterator[str]:
    """Yield the same as lines, for a CI."""
    for label, cell in _rows(golden):
        text = cell.text if isinstance(cell, StyledText) else str(cell)
        yield f"{label or 'golden'}: {text}" if text else ""
    yield from golden.paste.splitlines()
