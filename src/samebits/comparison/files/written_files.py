"""Finds differences in what the trials left: the files that they wrote, the lines and the metrics that they printed.

Each difference counts, is understood, or is unknown (see `evidence.judge`). In a file that --artifact names, each
difference that is not understood counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from samebits.comparison.evidence.entries import LeftEntries, TextEntry
from samebits.comparison.evidence.judge import Effect, Judge, Judgement
from samebits.comparison.files.file_difference import FileDifference
from samebits.comparison.files.file_names import in_both, in_each_run
from samebits.comparison.files.file_pairs import Limit, Pair, is_ignored, paired, was_there
from samebits.comparison.files.text_lines import LinePair, unlike_lines
from samebits.model import Lines, Part, SavedFile
from samebits.store.formats import PIECES, TENSOR_FORMATS, is_result
from samebits.store.trace import TrialTrace

_DATED = re.compile(r"<(?:time|date|log)>")
MOST_SHOWN = 200  # characters of a line or value
_ORDER, _BEYOND = "its lines come in a different order", "they differ, and a record does not keep them"
Trials = tuple[TrialTrace, TrialTrace]


def file_differences(a: TrialTrace, b: TrialTrace, judge: Judge, ignores: Sequence[str] = ()) -> list[FileDifference]:
    """Return the differences by name: first the parts of files, then the metrics, then the printed lines."""
    differences: list[FileDifference] = []
    left, limits = (judge.left[a.id], judge.left[b.id]), (Limit(a), Limit(b))
    for mine, theirs in counted_pairs(a, b, judge, ignores):
        if mine and theirs:
            differences += FilePair(mine, theirs, left, judge).differences()
        elif not limits[mine is not None].leaves_out(mine or theirs):
            differences += _alone(mine or theirs, (a, b), left)
    differences += _metrics(a, b)
    printed = {file.path: file for file in b.files.printed}
    for mine in a.files.printed:
        if mine.path in printed and not is_ignored(mine, ignores):
            differences += FilePair(mine, printed[mine.path], left, judge).differences()
    return differences


def counted_pairs(a: TrialTrace, b: TrialTrace, judge: Judge, ignores: Sequence[str]) -> list[Pair]:
    """Return the files of both trials in pairs, without files that --ignore names and pieces of other files."""
    pairs = paired(judge.left[a.id], judge.left[b.id])
    return [pair for pair in pairs if not (is_ignored(pair[0] or pair[1], ignores) or all(map(_is_piece, pair)))]


def _is_piece(file: SavedFile | None) -> bool:
    """Return whether samebits read the content of a file together with a different file. The file may be None."""
    return file is None or file.format in PIECES


def _alone(file: SavedFile | None, trials: Trials, left: tuple[LeftEntries, LeftEntries]) -> list[FileDifference]:
    """Return a file that only one trial wrote. It is not a difference if the other trial found it there."""
    if file is None or (not file.named and was_there(file, trials)):
        return []
    detail = f"{file.path} was written in some trials only"
    if file.named:
        return [FileDifference(file.path, detail, missing=True, path=file.path)]
    own = left[any(saved is file for saved in trials[1].files.files)]
    return [FileDifference(file.path, detail, effect="unknown", path=in_each_run(file.path, own), is_open=True)]


def _metrics(a: TrialTrace, b: TrialTrace) -> Iterator[FileDifference]:
    mine, theirs = a.file.metrics_printed, b.file.metrics_printed
    for name in mine:
        if name in theirs and mine[name] != theirs[name]:
            yield FileDifference(f"metric {name}", f"printed {mine[name]} and {theirs[name]}")


class FilePair:
    """A file of one trial and its partner in a different trial."""

    def __init__(self, mine: SavedFile, theirs: SavedFile, left: tuple[LeftEntries, LeftEntries], judge: Judge) -> None:
        self.a, self.b, self._left, self._judge = mine, theirs, left, judge
        self._key = left[0].key_of(mine.path)
        self._named = mine.named or theirs.named
        self._pattern = in_both(*(in_each_run(f.path, own) for f, own in zip((mine, theirs), left, strict=True)))

    def differences(self) -> list[FileDifference]:
        """Return everything that differs."""
        if self.a.changing or self.b.changing:
            detail = f"it could not be read whole: {self.a.changing or self.b.changing}"
            return [FileDifference(self.a.path, detail, effect="unknown", path=self._pattern)]
        differences = [*self._of_names()]
        if self.a.lines and self.b.lines and ("text" in (self.a.format, self.b.format) or self._is_printed):
            return [*differences, *self._of_lines(self.a.lines, self.b.lines), *self._of_parts(beside_lines=True)]
        return [*differences, *self._of_parts()]

    @property
    def _is_printed(self) -> bool:
        return self.a.format == "printed"

    def _difference(
        self, place: str, judgement: Judgement, values: tuple[str, str], detail: str = "the content differs"
    ) -> FileDifference:
        effect: Effect = "counts" if self._named and judgement.effect == "unknown" else judgement.effect
        both = all(values) and values[0] != values[1]
        return FileDifference(
            name=f"{self.a.path} > {place}" if place else self.a.path,
            detail=f"{values[0][:MOST_SHOWN]} and {values[1][:MOST_SHOWN]}" if both else detail,
            effect=effect,
            reason=judgement.reason,
            path=self._pattern,
            values=(values[0][:MOST_SHOWN], values[1][:MOST_SHOWN]),
            by_name=judgement.by_name,
            is_open=judgement.effect == "unknown" or judgement.by_name,
            is_result=judgement.is_result,
        )

    def _judged(self, key: str, mine: TextEntry, theirs: TextEntry) -> Judgement:
        (first, second), judge = self._left, self._judge
        return judge.entries(key, (first.trial.id, mine), (second.trial.id, theirs))

    def _of_names(self) -> Iterator[FileDifference]:
        """Yield a result in the names of the two versions of a file: acc0.91.pt and acc0.92.pt."""
        if self.a.path != self.b.path:
            names = [left.of_line(file.path) for left, file in zip(self._left, (self.a, self.b), strict=True)]
            judgement = self._judged("", *names)
            if judgement.effect == "unknown":
                difference = self._difference("its name", judgement, (self.a.path, self.b.path))
                yield replace(difference, effect="unknown")  # also if the pattern of --artifact has a `*` there

    # -- parts --------------------------------------------------------------------------------------------------------

    def _of_parts(self, *, beside_lines: bool = False) -> Iterator[FileDifference]:
        """Yield the parts that differ. `beside_lines`: without the part that stands for the whole text."""
        theirs = self._partners()
        for name, part in self.a.parts.items():
            twin = theirs.pop(name, None)
            if not (beside_lines and not name) and not (twin and _are_equal(part, twin)):
                yield self._part(name, part, twin)
        yield from (self._part(name, None, part) for name, part in theirs.items() if not (beside_lines and not name))

    def _partners(self) -> dict[str, Part]:
        """Return the parts of the second file under the names that they have in the first one.

        A name may hold a fact of one run: in Lightning's checkpoints, some keys are paths.
        """
        ours, others = self.a.parts.keys() - self.b.parts.keys(), self.b.parts.keys() - self.a.parts.keys()
        names_by_text = {self._left[0].of_line(name).text: name for name in ours}
        names = {name: names_by_text.get(self._left[1].of_line(name).text, name) for name in others}
        return {names.get(name, name): part for name, part in self.b.parts.items()}

    def _part(self, name: str, mine: Part | None, theirs: Part | None) -> FileDifference:
        values = (mine.shown if mine else "", theirs.shown if theirs else "")
        if mine is None or theirs is None:
            judgement, detail = Judgement("unknown"), "is in the file of some trials only"
        else:
            detail = self._why_bytes if "bytes" in (self.a.format, self.b.format) else ""
            first, second = (own.of_part(name, value) for own, value in zip(self._left, values, strict=True))
            judgement = self._judged(self._key, first, second) if all(values) else Judgement("unknown")
        difference = self._difference(name, judgement, values, detail or "the content differs")
        is_open = judgement.by_name or (judgement.effect == "unknown" and not judgement.varies)
        if is_open and self._is_model(mine, theirs):
            return replace(
                difference, effect="counts", reason="it belongs to a model", by_name=False, is_open=all(values)
            )
        return difference

    @property
    def _why_bytes(self) -> str:
        error = self.a.error or self.b.error
        if error:
            return f"the bytes of the file differ; its content could not be read: {error}"
        return f"the bytes of the file differ; samebits has no reader for {PurePosixPath(self.a.path).suffix or 'it'}"

    def _is_model(self, *parts: Part | None) -> bool:
        """Return whether the parts belong to a model, or are arrays of a format for tensors."""
        present = [part for part in parts if part is not None]
        if self.a.format == "bytes":
            return is_result(self.a.path)
        is_array = all(part.kind == "array" for part in present)
        return any(part.model for part in present) or (is_array and self.a.format in TENSOR_FORMATS | {"pickle"})

    # -- lines --------------------------------------------------------------------------------------------------------

    def _of_lines(self, a: Lines, b: Lines) -> Iterator[FileDifference]:
        if a.raw == b.raw or self._are_equal_in_old_records(a, b):
            return
        pairs = unlike_lines(a, b, self._left, in_order=not self._is_printed)
        understood: dict[str, FileDifference] = {}
        for pair in pairs:
            difference = self._of_pair(pair)
            if difference.effect == "understood" and not (difference.is_caveat or difference.by_name):
                understood.setdefault(difference.reason, replace(difference, name=self.a.path))
            else:
                yield difference
        yield from understood.values()
        if a.between != b.between:
            yield self._difference(f"lines after {len(a.kept):,}", Judgement("unknown"), ("", ""), _BEYOND)
        elif not pairs and a.count == b.count and not self._is_printed and not self._is_dated(a):
            yield self._difference("", Judgement("unknown"), ("", ""), _ORDER)

    def _are_equal_in_old_records(self, a: Lines, b: Lines) -> bool:
        """Return whether two texts are equal that earlier versions masked before they recorded them."""
        if not (a.ordered and b.ordered):
            return False
        return a.ordered == b.ordered or (self._is_printed and a.sorted == b.sorted)

    def _of_pair(self, pair: LinePair) -> FileDifference:
        """Return what differs between two lines that belong together."""
        mine, theirs = pair.mine, pair.theirs
        if mine is None or theirs is None:
            judgement = Judgement("unknown", "only some trials have this line")
        else:
            judgement = self._judged(self._key, self._left[0].of_line(mine), self._left[1].of_line(theirs))
        difference = self._difference(f"line {pair.number}", judgement, (mine or "", theirs or ""))
        if self.a.parts.get("", Part(digest="")).model and judgement.effect == "unknown":
            return replace(difference, effect="counts", reason="a model")
        if self._is_printed and self.a.path == "stderr" and (mine is None or theirs is None):
            # a first run downloads data, fills caches, and prints this
            return replace(difference, effect="understood", is_caveat=True, is_open=False)
        return difference

    def _is_dated(self, lines: Lines) -> bool:
        """Return whether most lines hold a time: threads write such a log, in any order."""
        return sum(bool(_DATED.search(self._left[0].of_line(line).text)) for line in lines.kept) * 2 > len(lines.kept)


def _are_equal(mine: Part, theirs: Part) -> bool:
    """Return whether two parts are equal."""
    return mine.digest == theirs.digest or ((mine.masked or theirs.masked) and mine.shown == theirs.shown != "")
