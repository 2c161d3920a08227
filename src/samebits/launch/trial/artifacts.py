"""Collects the files of a trial that are compared: all files in its folders, and those that `--artifact` names."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import xxhash

from samebits import store
from samebits.launch.files import folders
from samebits.launch.files.outside_files import OutsideFiles
from samebits.launch.processes.command import FileNames
from samebits.model import FilesFile, Part, SavedFile
from samebits.names import matches_any

MOST_MATCHES = 10_000
MOST_COMPARED = 10_000  # files of one trial
MOST_BYTES = 16 << 30  # of a file that nobody named
MOST_KEPT = 16 << 20  # characters of all files of a trial that are kept to show a difference
MOST_PARTS = 300_000  # of all files of a trial
_MOST_LEFT_OUT = 100  # names of texts and tables elsewhere that are kept


class Pattern(NamedTuple):
    """An artifact pattern, and the files that matched it before the trial began."""

    text: str
    filled: str
    out: Path
    before: dict[Path, folders.State]

    def without(self, own: Collection[Path]) -> Pattern:
        """Return the pattern for a trial to which these files belong already, so that they count as its own."""
        return self._replace(before={path: state for path, state in self.before.items() if path not in own})


@dataclass(frozen=True)
class FileRules:
    """Decides which files of a trial are compared."""

    patterns: list[Pattern] = field(default_factory=list)
    ignores: list[str] = field(default_factory=list)


def patterns(texts: Iterable[str], directory: Path, out: Path, trial: str) -> list[Pattern]:
    """Return the patterns of `--artifact`, with what they match now: only what the trial itself writes counts."""
    filled = [(text, text.replace("{out}", glob.escape(str(out))).replace("{trial}", trial)) for text in texts]
    return [Pattern(text, pattern, out, _states(matches(pattern, directory, out))) for text, pattern in filled]


def matches(pattern: str, directory: Path, out: Path) -> list[Path]:
    """Return the files that match, relative to the working folder; `**` goes through folders, except records.

    `out`: the trial's own output folder, which lies in a record and counts.
    """
    is_record = cache(folders.is_record)
    paths = (directory / name for name in sorted(glob.glob(pattern, root_dir=directory, recursive=True)))  # noqa: PTH207
    own = (path for path in paths if path.is_relative_to(out) or not any(map(is_record, _above(path, directory))))
    return [path for path in islice(own, MOST_MATCHES) if folders.is_file(path)]


def _above(path: Path, directory: Path) -> Iterator[Path]:
    """Yield the folders of a path that lie below the working folder."""
    return (folder for folder in path.parents if folder != directory and folder.is_relative_to(directory))


def _states(paths: Iterable[Path]) -> dict[Path, folders.State]:
    return {path: state for path in paths if (state := folders.state(path)) is not None}


def collect(rules: FileRules, written: Iterable[Path], directory: Path, naming: FileNames) -> FilesFile:
    """Fingerprint the files that the trial wrote: those that a pattern names, and all others in its folders."""
    named: set[Path] = set()
    empty: list[str] = []
    written = [path for path in written if folders.is_file(path)]
    for pattern in rules.patterns:
        after = _states(matches(pattern.filled, directory, pattern.out))
        fresh = {path for path, state in after.items() if pattern.before.get(path) != state}
        named |= fresh
        if not fresh and not matches_any(pattern.text, ("stdout", "stderr")):
            empty.append(pattern.text)
    names = {path: naming.name(path) for path in {*named, *_own(written, directory, naming)}}
    ignored = {path for path, name in names.items() if matches_any(name, rules.ignores)}
    ordered = sorted(names.keys() - ignored, key=lambda path: (path not in named, not _comes_first(path), names[path]))
    saved = [
        store.fingerprint_file(path, path in named).model_copy(update={"path": names[path]})
        if path in named or not _is_too_large(path)
        else _too_large(names[path])
        for path in ordered[:MOST_COMPARED]
    ]
    vanished = {names[path] for path in ordered if not folders.is_there(path)}
    return FilesFile(
        files=sorted(_bounded([file for file in saved if file.path not in vanished]), key=lambda file: file.path),
        gone=sorted(vanished),
        patterns_without_match=empty,
        ignores_without_match=[
            text
            for text in rules.ignores
            if not any(matches_any(n, [text]) for n in (*names.values(), "stdout", "stderr"))
        ],
        found=len(ordered) - len(vanished),
        ignored=len(ignored),
        elsewhere=_left_out(written, names, rules.ignores),
    )


def _left_out(written: Iterable[Path], names: Mapping[Path, str], ignores: Sequence[str]) -> list[str]:
    """Return the texts and tables outside of the trial's folders. They may be results, but are not compared."""
    outside = OutsideFiles()
    texts = (str(path) for path in written if path not in names and outside.may_be_text(path))
    return sorted(path for path in texts if not matches_any(path, ignores))[:_MOST_LEFT_OUT]


def _own(written: Iterable[Path], directory: Path, naming: FileNames) -> set[Path]:
    """Return the written files that count: those below the trial's folders, and results wherever they are."""
    files = set(written)
    others = OutsideFiles()
    inside = {path for path in files if path.is_relative_to(directory) or naming.name(path) != str(path)}
    outside = {path for path in files - inside if others.is_compared(path)}
    return inside | outside


def _comes_first(path: Path) -> bool:
    """Return whether a file is compared before others, if there are more than can be compared."""
    return store.by_name(path.name) is not None


def _is_too_large(path: Path) -> bool:
    state = folders.state(path)
    return state is not None and state.size > MOST_BYTES


def _too_large(name: str) -> SavedFile:
    why = f"it has more than {MOST_BYTES >> 30} GiB (--artifact names a file that is compared whatever its size)"
    return SavedFile(path=name, named=False, format="bytes", error=why, changing=why)


def _bounded(files: Sequence[SavedFile]) -> list[SavedFile]:
    """Return the files with as many values and lines as a record may keep.

    For the rest, a record keeps fingerprints.
    """
    bounded, room, parts = [], MOST_KEPT, MOST_PARTS
    for file in files:
        lines = file.lines
        room -= sum(len(part.shown) for part in file.parts.values()) + (sum(map(len, lines.kept)) if lines else 0)
        parts -= len(file.parts)
        if room < 0:
            file = _without_values(file)
        bounded.append(file if parts >= 0 or len(file.parts) < 2 else _as_one_part(file))
    return bounded


def _as_one_part(file: SavedFile) -> SavedFile:
    digests = sorted((name, part.digest) for name, part in file.parts.items())
    digest = xxhash.xxh3_128(repr(digests).encode()).hexdigest()
    return file.model_copy(update={"parts": {"": Part(digest=digest, kind="array")}})


def _without_values(file: SavedFile) -> SavedFile:
    lines = file.lines and file.lines.model_copy(update={"kept": [], "tail": [], "between": file.lines.raw})
    parts = {name: part.model_copy(update={"shown": ""}) for name, part in file.parts.items()}
    return file.model_copy(update={"parts": parts, "lines": lines})


def printed(folder: Path, rules: FileRules) -> list[SavedFile]:
    """Return what the trial printed, as two texts. Options can name both as they name files."""
    texts = [pattern.text for pattern in rules.patterns]
    return [
        store.printed_file(folder / f"{name}.txt", name, named=matches_any(name, texts))
        for name in ("stdout", "stderr")
        if not matches_any(name, rules.ignores)
    ]
