"""What trials did differently, as a diff tool shows it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from samebits.localization.execution import EntryKey

AROUND = 3  # lines of what they have in common, before and after
MOST = 12  # lines of one difference


def diff(a: Sequence[str], b: Sequence[str]) -> list[str]:
    """The first difference of two sequences, as lines: " " in both, "-" in the first only, "+" in the second only."""
    shared = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if shared == len(a) == len(b):
        return []
    before = [f"  {line}" for line in a[max(0, shared - AROUND) : shared]]
    window = MOST * 4  # a difference further away is another one
    rest_a, rest_b = a[shared : shared + window], b[shared : shared + window]
    lines = before
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, rest_a, rest_b, autojunk=False).get_opcodes():
        if tag == "equal" and len(lines) > len(before):
            return lines + [f"  {line}" for line in rest_a[i1 : min(i2, i1 + AROUND)]]
        lines = lines + _cut([f"- {line}" for line in rest_a[i1:i2]]) + _cut([f"+ {line}" for line in rest_b[j1:j2]])
    return lines


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST else [*lines[:MOST], f"{lines[0][0]} ... and {len(lines) - MOST:,} more"]


def said(key: EntryKey) -> str:
    """An entry as a line."""
    inside = f"  in {key.module}" if key.module else ""
    return f"{key.phase:<8} {key.what} {key.name or '(the model)'}{inside}"
