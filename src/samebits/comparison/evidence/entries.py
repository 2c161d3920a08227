"""Reads what a trial left as entries: a line of a text, or a part of a file with its value. Each has a shape."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any, NamedTuple

from samebits.comparison.evidence.facts import TrialFacts
from samebits.comparison.evidence.forms import TIME, without_forms
from samebits.comparison.evidence.memory_numbers import MEMORY, numbers_by_place, words_of
from samebits.comparison.evidence.quantities import Quantity, Shape, shape_of, stored
from samebits.model import SavedFile
from samebits.store.trace import TrialTrace

_LONGEST = 4200  # characters of a text that is read
_NUMBERS = " numbers"  # ends the words of a list of numbers


class TextEntry(NamedTuple):
    """`text`: without facts of the trial and without forms. `shape`: that text without its numbers, and the numbers."""

    text: str
    shape: Shape


class LeftEntries:
    """All entries of what one trial left, by file and by shape."""

    def __init__(self, trial: TrialTrace) -> None:
        self.trial, self.facts = trial, TrialFacts.of(trial)
        self._lines: dict[str, TextEntry] = {}
        self._entries, self._by_words = cache(self._entries_of), cache(self._quantities_of)
        self.texts_with_ids = cache(self._texts_with_ids)

    def of_line(self, line: str) -> TextEntry:
        """Return a line, or any other text, as an entry."""
        if line not in self._lines:
            # a record keeps no line that is longer, but a hostile name may have any length
            is_short = len(line) <= _LONGEST
            text = without_forms(self.facts.plain(line)) if is_short else line
            self._lines[line] = TextEntry(text, shape_of(text) if is_short else Shape(text, []))
        return self._lines[line]

    def of_part(self, name: str, text: str) -> TextEntry:
        """Return a part of a file as an entry. `text`: its value as JSON; "" if it was not kept."""
        key = self.of_line(name)
        value = self.of_value(json.loads(text)) if text else TextEntry("?", Shape("?", []))
        return TextEntry(
            f"{key.text} = {value.text}", Shape(f"{key.shape.words} = {value.shape.words}", value.shape.quantities)
        )

    def of_value(self, value: Any) -> TextEntry:
        """Return a plain value as an entry. A list is one entry with all its numbers, without lines that are a time."""
        if isinstance(value, str):
            return self.of_line(value)
        if isinstance(value, list):
            entries = [entry for entry in map(self.of_value, value) if entry.text != TIME]
            quantities = [quantity for entry in entries for quantity in entry.shape.quantities]
            are_numbers = all(entry.shape.words == "#" for entry in entries)
            words = f"{len(entries)}{_NUMBERS}" if are_numbers else ", ".join(e.shape.words for e in entries)
            return TextEntry(f"[{', '.join(e.text for e in entries)}]", Shape(f"[{words}]", quantities))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = repr(value)
            mark = without_forms(text) if isinstance(value, int) else text
            if mark != text or self.facts.is_moment(value):
                return TextEntry("<fact>", Shape("<fact>", []))
            return TextEntry(text, Shape("#", [stored(value)]))
        return TextEntry(repr(value), Shape(repr(value), []))

    def key_of(self, path: str) -> str:
        """Return the path of a file without facts, forms and numbers. This text is the same in each trial."""
        return self.of_line(path).shape.words

    @cached_property
    def _files(self) -> dict[str, list[SavedFile]]:
        files: dict[str, list[SavedFile]] = defaultdict(list)
        for file in (*self.trial.files.files, *self.trial.files.printed):
            files[self.key_of(file.path)].append(file)
        return files

    def _of_memory(self) -> dict[str, list[list[Quantity]]]:
        quantities: dict[str, list[list[Quantity]]] = defaultdict(list)
        for process in self.trial.processes:
            for place, numbers in numbers_by_place(process).items():
                quantities[words_of(place)] += [[stored(number)] for number in numbers]
        return quantities

    def _entries_of(self, key: str) -> list[TextEntry]:
        """Return the entries of the files with this key; with the key "", the names of all files."""
        if not key:
            return [self.of_line(file.path) for file in self.trial.files.files]
        return [entry for file in self._files.get(key, ()) for entry in self._of_file(file)]

    def _quantities_of(self, key: str) -> dict[str, list[list[Quantity]]]:
        if key == MEMORY:
            return self._of_memory()
        quantities: dict[str, list[list[Quantity]]] = defaultdict(list)
        for entry in self._entries(key):
            quantities[entry.shape.words].append(entry.shape.quantities)
        return quantities

    def _of_file(self, file: SavedFile) -> Iterator[TextEntry]:
        if file.lines is not None:
            yield from map(self.of_line, (*file.lines.kept, *file.lines.tail))
        for name, part in file.parts.items():
            if part.shown and (name or file.lines is None):
                yield self.of_part(name, part.shown)

    def values(self, key: str, words: str, place: int) -> list[Quantity]:
        """Return the numbers of a place, in order. `key`: the file; "" for names of files. `words`: of the shape.

        All numbers of a list are at one place: they have one origin, and one of them alone may be noisy.
        """
        lists = self._by_words(key).get(words, [])
        if words.endswith(f"{_NUMBERS}]"):
            return [quantity for quantities in lists for quantity in quantities]
        return [quantities[place] for quantities in lists if place < len(quantities)]

    def _texts_with_ids(self, key: str) -> set[str]:
        """Return the lines of a file that hold a text that the program got from the system or the clock."""
        return {entry.text for entry in self._entries(key) if "<id>" in entry.text}
