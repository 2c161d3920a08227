"""Recognises a JSON file to which each trial adds the same entries: a trial read what an earlier one had left there."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from samebits.model import SavedFile
from samebits.store.trace import TrialTrace

__all__ = ["grown_parts"]

_LENGTH = "length"


def grown_parts(files: tuple[SavedFile, SavedFile], trials: tuple[TrialTrace, TrialTrace]) -> frozenset[str]:
    """Return the parts in which the later file only has the entries of the later trials, if all trials add the same."""
    (early, first), (late, last) = sorted(zip(files, trials, strict=True), key=lambda one: one[1].id)
    has_read = any(leak.how == "read" and f"/{leak.path}".endswith(f"/{late.path}") for leak in last.file.leaks)
    if not has_read or {early.format, late.format} != {"json"}:
        return frozenset()
    growth = _Growth(early, late, last.id - first.id)
    return frozenset([*growth.of_lists_of_tables(), *growth.of_lists_of_values()])


class _Growth(NamedTuple):
    """`times`: how many trials more have added to the later file."""

    early: SavedFile
    late: SavedFile
    times: int

    def of_lists_of_tables(self) -> Iterator[str]:
        """Yield the length and the further entries of each list that has only grown. Each entry is a table."""
        for name in self.late.tensors:
            if name != _LENGTH and not name.endswith(f".{_LENGTH}"):
                continue
            few, many = self._shown(name)
            if isinstance(few, int) and isinstance(many, int) and few < many:  # else going through all parts is vain
                above = name.removesuffix(_LENGTH)
                entries = self._entries(above)
                if self._repeats(list(entries.values()), few, many):
                    yield name
                    yield from (f"{above}{number}{rest}" for number in range(few, many) for rest in entries[number])

    def of_lists_of_values(self) -> Iterator[str]:
        """Yield each list of plain values that has only grown."""
        for name in self.late.shown:
            few, many = self._shown(name)
            is_longer = isinstance(few, list) and isinstance(many, list) and many[: len(few)] == few
            if is_longer and self._repeats(many, len(few), len(many)):
                yield name

    def _shown(self, name: str) -> tuple[Any, Any]:
        early, late = (json.loads(file.shown.get(name, "null")) for file in (self.early, self.late))
        return early, late

    def _entries(self, above: str) -> dict[int, dict[str, str]]:
        """Return the entries of a list: number -> {rest of the name of a part: its fingerprint}."""
        found: dict[int, dict[str, str]] = defaultdict(dict)
        for name, digits in self.late.tensors.items():
            number = re.match(r"\d+", name[len(above) :]) if name.startswith(above) else None
            if number:
                found[int(number[0])][name[len(above) + number.end() :]] = digits
        return dict(sorted(found.items()))

    def _repeats(self, entries: list[Any], few: int, many: int) -> bool:
        """Return whether each further entry is the same as that of the trial before."""
        step, rest = divmod(many - few, self.times)
        if rest or not 0 < step <= few or len(entries) != many:
            return False
        return all(entries[number] == entries[number - step] for number in range(few, many))
