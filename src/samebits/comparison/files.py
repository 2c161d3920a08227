"""Finds differences in what the trials left: the files they wrote, what they printed, the metrics among it.

Each difference counts, is understood, or is unknown (see `classify`). In a file that `--artifact` names, all count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from samebits import words
from samebits.comparison.classification import (
    MODEL_ENDINGS,
    TENSOR_FORMATS,
    Classification,
    Effect,
    classify,
    classify_line_of_file,
    last_key,
    names_a_model,
)
from samebits.comparison.empty_folders import of_empty_folders
from samebits.comparison.file_difference import FileDifference
from samebits.comparison.file_names import name_differences
from samebits.comparison.file_pairs import (
    FolderNames,
    Limit,
    Pair,
    is_ignored,
    paired,
    unlike_lines,
    was_there,
)
from samebits.comparison.growth import grown_parts
from samebits.comparison.no_results import differ_in_owner, is_lock, is_no_result
from samebits.model import Lines, SavedFile
from samebits.store.date_masks import are_of_other_rows, has_part_of_table
from samebits.store.trace import TrialTrace
from samebits.store.value_names import OF_DATA, is_attribute, tokens

_TF_CHECKPOINT = re.compile(r"\.data-\d{5}-of-\d{5}$")


def file_differences(a: TrialTrace, b: TrialTrace, ignores: Sequence[str] = ()) -> list[FileDifference]:
    """Return the differences by name: first the parts of files, then the metrics, then the printed lines."""
    found: list[FileDifference] = []
    pairs = counted_pairs(a, b, ignores)
    names = FolderNames(pairs, a, b)
    limits = (Limit(a), Limit(b))
    for mine, theirs in pairs:
        if mine and theirs:
            pair = _Pair(names.renamed(mine, theirs), theirs, names, grown=grown_parts((mine, theirs), (a, b)))
            found += [*name_differences(mine, theirs, (a, b)), *pair.differences(), *_modes(mine, theirs)]
        elif not limits[mine is not None].leaves_out(mine or theirs):
            found += _alone(mine or theirs, (a, b))
    found += [*of_empty_folders(a, b, ignores), *_metrics(a, b)]
    for mine, theirs in _printed_pairs(a, b, ignores):
        found += _Pair(mine, theirs, names, is_printed=True).differences()
    return found


def counted_pairs(a: TrialTrace, b: TrialTrace, ignores: Sequence[str]) -> list[Pair]:
    """Return the files of both trials in pairs, without those that --ignore names."""
    return [(one, two) for one, two in paired(a, b) if not is_ignored(one or two, ignores)]


def _printed_pairs(a: TrialTrace, b: TrialTrace, ignores: Sequence[str]) -> Iterator[tuple[SavedFile, SavedFile]]:
    theirs = {file.path: file for file in b.files.printed}
    for file in a.files.printed:
        if file.path in theirs and not is_ignored(file, ignores):
            yield file, theirs[file.path]


def _modes(mine: SavedFile, theirs: SavedFile) -> Iterator[FileDifference]:
    """Yield the permissions of a file if they differ. Records of earlier versions do not have them."""
    if None in (mine.mode, theirs.mode) or mine.mode == theirs.mode or (is_no_result(mine) and not mine.named):
        return
    one, two = (file.mode or "those of a new file" for file in (mine, theirs))
    effect: Effect = "counts" if mine.named or theirs.named else "unknown"
    name = f"{mine.path} > its permissions"
    yield FileDifference(name, f"{one} and {two}", effect=effect, path=mine.path, values=(one, two))


# -- files of one trial only ----------------------------------------------------------------------------------------


def _alone(file: SavedFile | None, trials: tuple[TrialTrace, TrialTrace]) -> list[FileDifference]:
    """Return a file that only one trial wrote. It is not a difference if the other trial found it there."""
    if file is None or file.format in ("ocdbt-data", "sqlite-log"):  # samebits compares their databases
        return []
    if not file.named and (is_no_result(file) or was_there(file, trials)):
        return []
    said = f"{file.path} was written in some trials only"
    if file.named:
        return [FileDifference(file.path, said, missing=True, path=file.path)]
    return [FileDifference(file.path, said, effect="unknown", path=file.path)]


def files_alone(a: TrialTrace, b: TrialTrace, ignores: Sequence[str] = ()) -> list[str]:
    """Return the paths of files that an earlier trial wrote and the later one found.

    Files that --artifact names are left out.
    """
    found = [one or two for one, two in counted_pairs(a, b, ignores) if one is None or two is None]
    return sorted(
        file.path for file in found if file and not file.named and was_there(file, (a, b)) and not is_no_result(file)
    )


# -- files of both trials -------------------------------------------------------------------------------------------


class _Pair:
    """A file of one trial and its partner in a different trial."""

    def __init__(
        self,
        a: SavedFile,
        b: SavedFile,
        names: FolderNames,
        *,
        is_printed: bool = False,
        grown: frozenset[str] = frozenset(),
    ) -> None:
        self.a, self.b, self.names, self.is_printed, self.grown = a, b, names, is_printed, grown
        self.named = a.named or b.named
        # a first run downloads and fills caches, and says so: its extra lines are no difference in a result
        self.is_loose_end = is_printed and (a.path == "stderr" or names.some_were_there)

    def differences(self) -> list[FileDifference]:
        """Return every part that differs."""
        if self.a.changing or self.b.changing:
            said = f"it could not be read whole: {self.a.changing or self.b.changing}"
            return [FileDifference(self.a.path, said, effect="unknown", path=self.a.path)]
        if is_no_result(self.a) and not self.named:
            return [*self._of_lock()] if is_lock(self.a) else []
        is_added_to = self.a.begin or self.b.begin or self.a.format != self.b.format
        if self.a.lines and self.b.lines and not self.named and ("text" in self._formats or is_added_to):
            return [*self._of_lines(self.a.lines, self.b.lines), *self._parts(is_attribute)]
        return [*self._parts()]

    def _of_lock(self) -> Iterator[FileDifference]:
        """Yield what differs in a lock, apart from its owner."""
        are_texts = self.a.lines and self.b.lines
        found = self._of_lines(self.a.lines, self.b.lines) if self.a.lines and self.b.lines else self._parts()
        for one in found:
            if one.effect != "understood" and not (are_texts and differ_in_owner(*one.values)):
                yield one

    def _parts(self, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[FileDifference]:
        both = filter(wanted, dict.fromkeys([*self.a.tensors, *self.b.tensors]))
        return (self._part(name) for name in both if self._differs(name))

    def _differs(self, name: str) -> bool:
        if not name and self.a.lines and self.b.lines and self.a.lines.raw == self.b.lines.raw:
            return False  # by chance, one of its numbers is a process id or a moment of one of the trials
        if self.a.tensors.get(name) != self.b.tensors.get(name):
            return True
        return self.a.masked.get(name) != self.b.masked.get(name)

    def _part(self, name: str) -> FileDifference:
        found = Classification("counts", "--artifact names it") if self.named else self._classification(name)
        full = f"{self.a.path} > {name}" if name else self.a.path
        return FileDifference(
            name=full,
            detail=self._detail(name),
            effect=found.effect,
            reason=found.reason,
            path=self.a.path,
            values=self._values(name),
        )

    def _values(self, name: str) -> tuple[str, str]:
        return self.a.shown.get(name, ""), self.b.shown.get(name, "")

    def _detail(self, name: str) -> str:
        if name not in self.a.tensors or name not in self.b.tensors:
            return "is in the file of some trials only"
        error = self.a.error or self.b.error
        if error and not is_attribute(name):
            return f"the bytes of the file differ; its content could not be read: {error}"
        one, two = self._values(name)
        return f"{one} and {two}" if one and two and one != two else "the content differs"

    def _classification(self, name: str) -> Classification:
        """Return what a difference in a part means, by its place, its name and its values."""
        # a predicted date is not a date of this run
        is_of_run = OF_DATA.isdisjoint(tokens(last_key(name)))
        if self.a.tensors.get(name) == self.b.tensors.get(name) and is_of_run:
            return Classification("understood", "a time, a date, a path or an id in a text")
        if name in self.grown:
            return Classification("understood", "each trial adds the same to it")
        a, b = _value(self.a.shown.get(name)), _value(self.b.shown.get(name))
        if isinstance(a, str) and isinstance(b, str) and self.names.same(a, b):
            return Classification("understood", "it varies with the name of the trial's own folder")
        found = classify(
            name or PurePosixPath(self.a.path).stem,
            a,
            b,
            model=self._in_model(name),
            nonnegative=name in self.a.nonnegative and name in self.b.nonnegative,
        )
        if found.effect == "unknown" and self._is_array(name):
            return Classification("counts", "an array of its own")
        return found

    def _in_model(self, name: str) -> bool:
        if is_attribute(name):
            return False
        if self.a.format == "bytes":
            return PurePosixPath(self.a.path).suffix.lower() in MODEL_ENDINGS or bool(
                _TF_CHECKPOINT.search(self.a.path)
            )
        return any(_is_below(name, above) for above in (*self.a.models, *self.b.models))

    def _is_array(self, name: str) -> bool:
        """Return whether a part holds the numbers of a model.

        Such a part is a tensor, or a list of numbers under the name of a model.
        """
        if name not in self.a.values and name not in self.b.values:
            return self.a.format in TENSOR_FORMATS or self.a.format == "pickle"
        has_names = self.a.format in ("json", "jsonl", "pickle")
        return has_names and name in self.a.numbers and names_a_model(f"{self.a.path}.{name}")

    @property
    def _formats(self) -> tuple[str, str]:
        return ("text" if self.is_printed else self.a.format), self.b.format

    # -- lines --------------------------------------------------------------------------------------------------------

    def _of_lines(self, a: Lines, b: Lines) -> Iterator[FileDifference]:
        if a.raw == b.raw:
            return
        is_added_to = bool(self.a.begin or self.b.begin)
        is_loose = self.is_printed or (a.timed and b.timed) or is_added_to or has_part_of_table(a.kept)
        if a.ordered == b.ordered or (a.sorted == b.sorted and is_loose):
            yield self._line("", Classification("understood", self._masked_in_lines), ("", ""))
            return
        if "" in self.a.models or PurePosixPath(self.a.path).suffix.lower() in MODEL_ENDINGS:
            yield self._line("", Classification("counts", "a model"), ("", ""))
            return
        for number, one, two in unlike_lines(a, b, self.names.same, in_order=not is_loose):
            if not (self.names.same(one, two) or self._is_head(number, two) or are_of_other_rows(one, two)):
                is_alone = not self.is_printed and a.count <= 2 and b.count <= 2 and not any((*a.kept[1:], *b.kept[1:]))
                found = classify_line_of_file(self.a.path, one, two, alone=is_alone)
                is_caveat = self.is_loose_end and not (one and two) and bool(one or two)
                if is_caveat or not (self.is_printed and found.effect == "understood"):
                    yield self._line(f"line {number}", found, (one, two), is_caveat=is_caveat)

    @property
    def _masked_in_lines(self) -> str:
        if self.is_printed:
            found = (
                dict.fromkeys(line for line in self.a.lines.kept if _PLACEHOLDER.search(line)) if self.a.lines else ()
            )
            shown = [repr(line[:MOST_OF_A_LINE]) for line in list(found)[:2]]
            return f"times, paths or ids, as in {words.listed(shown)}" if shown else "times, dates, paths or ids"
        return f"times, dates, paths{', ids or the order of metrics' if '' in self.a.models else ' or ids'}"

    def _is_head(self, number: int, line: str) -> bool:
        """Return whether a line is the head of a table. Only the trial that created the file writes it."""
        return number == 1 and not line and bool(self.b.begin) and not self.a.begin

    def _line(
        self, place: str, found: Classification, values: tuple[str, str], *, is_caveat: bool = False
    ) -> FileDifference:
        name = f"{self.a.path} > {place}" if place else self.a.path
        effect: Effect = "understood" if is_caveat else found.effect
        return FileDifference(
            name=name,
            detail="the content differs",
            effect=effect,
            reason=found.reason,
            path=self.a.path,
            values=values,
            is_caveat=is_caveat,
        )


def _is_below(name: str, above: str) -> bool:
    return not above or name == above or name.startswith((above + ".", above + " "))


def _value(shown: str | None) -> Any:
    if shown is None:
        return None
    try:
        value = json.loads(shown)
    except ValueError:
        return None
    return value if isinstance(value, (str, int, float)) else None


MOST_OF_A_LINE = 60  # characters of a line that a note shows
_PLACEHOLDER = re.compile(r"<[a-z]+>")


def _metrics(a: TrialTrace, b: TrialTrace) -> Iterator[FileDifference]:
    mine, theirs = a.file.metrics_printed, b.file.metrics_printed
    for name in mine:
        if name in theirs and mine[name] != theirs[name]:
            yield FileDifference(f"metric {name}", f"printed {mine[name]} and {theirs[name]}")
