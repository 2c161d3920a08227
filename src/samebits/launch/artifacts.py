"""Collects the files of a trial that are compared: all files in its folders, and those that `--artifact` names."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import xxhash

from samebits import store
from samebits.data_classes import dataclass
from samebits.launch import folders
from samebits.launch.command import FileNames
from samebits.launch.outside_files import OutsideFiles
from samebits.model import FilesFile, Part, SavedFile
from samebits.names import matches_any

MOST_MATCHES = 10_000
MOST_COMPARED = 10_000  # files of one trial
MOST_BYTES = 16 << 30  # of a file that nobody named
MOST_KEPT = 16 << 20  # characters of all files of a trial that are kept to show a difference
MOST_PARTS = 300_000  # of all files of a trial
_HEADS = (".log", ".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".out", ".err", ".md", "")  # files that are added to
_MOST_LEFT_OUT = 100  # names of texts and tables elsewhere that are kept
_MOST_FOLDERS = 10_000  # empty folders of one trial whose names are compared
_MOST_HEADS, _MOST_HEAD_BYTES = 2_000, 64 << 20


class Pattern(NamedTuple):
    """An artifact pattern, and the files that matched it before the trial began."""

    text: str
    filled: str
    out: Path
    before: dict[Path, folders.State]

    def without(self, own: Collection[Path]) -> Pattern:
        """Return the pattern for a trial to which these files belong already, so that they count as its own."""
        return self._replace(before={path: state for path, state in self.before.items() if path not in own})


class Head(NamedTuple):
    """The content of a file before the trial: its size and its fingerprint."""

    size: int
    digest: str


@dataclass(frozen=True)
class FileRules:
    """Decides which files of a trial are compared.

    It is made before the trial starts. `heads`: of text files that were there, so that text added to one can be told
    from the rest.
    """

    patterns: list[Pattern] = field(default_factory=list)
    ignores: list[str] = field(default_factory=list)
    heads: Mapping[Path, Head] = field(default_factory=dict)
    apart: bool = False


def patterns(texts: Iterable[str], directory: Path, out: Path, trial: str) -> list[Pattern]:
    """Return the patterns of `--artifact`, with what they match now: only what the trial itself writes counts."""
    filled = [(text, text.replace("{out}", glob.escape(str(out))).replace("{trial}", trial)) for text in texts]
    return [Pattern(text, pattern, out, _states(matches(pattern, directory, out))) for text, pattern in filled]


def matches(pattern: str, directory: Path, out: Path) -> list[Path]:
    """Return the files that match, relative to the working folder; `**` goes through folders, except records.

    `out`: the trial's own output folder, which lies in a record and counts.
    """
    found = sorted(glob.glob(pattern, root_dir=directory, recursive=True))  # noqa: PTH207
    records: dict[Path, bool] = {}
    paths = (directory / name for name in found)
    own = (path for path in paths if path.is_relative_to(out) or not _is_in_record(path.parent, directory, records))
    return [path for path in islice(own, MOST_MATCHES) if folders.is_file(path)]


def _is_in_record(folder: Path, directory: Path, known: dict[Path, bool]) -> bool:
    """Return whether a folder below the working folder is a record, or in one.

    `known`: the answers for other folders.
    """
    if folder == directory or not folder.is_relative_to(directory):
        return False
    if folder not in known:
        known[folder] = _is_in_record(folder.parent, directory, known) or folders.is_record(folder)
    return known[folder]


def _states(paths: Iterable[Path]) -> dict[Path, folders.State]:
    return {path: state for path in paths if (state := folders.state(path)) is not None}


def heads(before: folders.Snapshot) -> dict[Path, Head]:
    """Return the fingerprints of the text files (known by their endings) that are there before a trial."""
    small = (
        path
        for path, state in before.files.items()
        if path.suffix.lower() in _HEADS and 0 < state.size <= _MOST_HEAD_BYTES
    )
    found = ((path, _head(path, before.files[path].size)) for path in islice(small, _MOST_HEADS))
    return {path: head for path, head in found if head is not None}


def _head(path: Path, size: int) -> Head | None:
    try:
        with path.open("rb") as file:
            return Head(size, xxhash.xxh3_128(file.read(size)).hexdigest())
    except OSError:
        return None


def collect(asked: FileRules, written: Iterable[Path], directory: Path, naming: FileNames) -> FilesFile:
    """Fingerprint the files that the trial wrote: those that a pattern names, and all others in its folders."""
    named: set[Path] = set()
    empty: list[str] = []
    written = [path for path in written if folders.is_file(path)]
    for pattern in asked.patterns:
        after = _states(matches(pattern.filled, directory, pattern.out))
        fresh = {path for path, state in after.items() if pattern.before.get(path) != state}
        named |= fresh
        if not fresh and not matches_any(pattern.text, ("stdout", "stderr")):
            empty.append(pattern.text)
    names = {path: naming.name(path) for path in {*named, *_own(written, directory, naming)}}
    ignored = {path for path, name in names.items() if matches_any(name, asked.ignores)}
    found = sorted(names.keys() - ignored, key=lambda path: (path not in named, not _comes_first(path), names[path]))
    saved = [
        store.fingerprint_file(path, path in named, _begin(path, asked)).model_copy(update={"path": names[path]})
        if path in named or not _is_too_large(path)
        else _too_large(names[path])
        for path in found[:MOST_COMPARED]
    ]
    gone = {names[path] for path in found if not folders.is_there(path)}
    return FilesFile(
        files=sorted(_bounded([file for file in saved if file.path not in gone]), key=lambda file: file.path),
        gone=sorted(gone),
        patterns_without_match=empty,
        ignores_without_match=[
            text
            for text in asked.ignores
            if not any(matches_any(n, [text]) for n in (*names.values(), "stdout", "stderr"))
        ],
        found=len(found) - len(gone),
        ignored=len(ignored),
        apart=asked.apart,
        elsewhere=_left_out(written, names, asked.ignores),
    )


def _left_out(written: Iterable[Path], names: Mapping[Path, str], ignores: Sequence[str]) -> list[str]:
    """Return the texts and tables outside of the trial's folders. They may be results, but are not compared."""
    outside = OutsideFiles()
    found = (str(path) for path in written if path not in names and outside.may_be_text(path))
    return sorted(path for path in found if not matches_any(path, ignores))[:_MOST_LEFT_OUT]


def with_links(found: FilesFile, links: Mapping[str, str], asked: FileRules) -> FilesFile:
    """Return the files of a trial, and the symbolic links to folders that it made.

    `links`: name -> what it leads to.
    """
    named = [pattern.text for pattern in asked.patterns]
    saved = [
        store.link_to_folder(name, target).model_copy(update={"named": matches_any(name, named)})
        for name, target in links.items()
        if not matches_any(name, asked.ignores)
    ]
    return found.model_copy(
        update={
            "files": sorted([*found.files, *saved], key=lambda file: file.path),
            "patterns_without_match": _without_match(found.patterns_without_match, links),
            "ignores_without_match": _without_match(found.ignores_without_match, links),
        }
    )


def with_empty_folders(found: FilesFile, names: Iterable[str], asked: FileRules) -> FilesFile:
    """Return the files of a trial, and the names of the empty folders that it left.

    If there are too many, those that are left out count as a file that cannot be compared. Its name is a pattern of the
    first one, so that the user can ignore them all.
    """
    every = list(names)
    counted = sorted(name for name in every if not matches_any(name, asked.ignores))
    left_out = [
        _not_compared(_pattern(name), f"there are more than {_MOST_FOLDERS} empty folders")
        for name in counted[_MOST_FOLDERS:][:1]
    ]
    return found.model_copy(
        update={
            "files": sorted([*found.files, *left_out], key=lambda file: file.path),
            "empty_folders": counted[:_MOST_FOLDERS],
            "ignores_without_match": _without_match(found.ignores_without_match, every),
        }
    )


def _without_match(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    return [pattern for pattern in patterns if not any(matches_any(name, [pattern]) for name in names)]


def _own(written: Iterable[Path], directory: Path, naming: FileNames) -> set[Path]:
    """Return the written files that count: those below the trial's folders, and results wherever they are."""
    files = set(written)
    others = OutsideFiles()
    inside = {path for path in files if path.is_relative_to(directory) or naming.name(path) != str(path)}
    outside = {path for path in files - inside if others.is_compared(path)}
    return (inside - _held_open(inside)) | outside | set(_data_of(outside))


def _data_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that hold the tensors of TensorFlow's checkpoints.

    TensorFlow writes them under temporary names, so the kernel reports only the index under its final name.
    """
    for path in paths:
        if path.suffix == ".index":
            yield from path.parent.glob(f"{glob.escape(path.stem)}.data-*")


def _held_open(paths: set[Path]) -> set[Path]:
    """Find files that a process outside of the trial is still writing, as in `samebits check > log.txt`."""
    identities = {}
    for path in paths:
        state = folders.state(path)
        if state is not None:
            identities[state.inode] = path
    held = set[Path]()
    for process in (name for name in os.listdir("/proc") if name.isdigit() and identities):  # noqa: PTH208
        with suppress(OSError):  # a process of a different user, or one that has ended
            held.update(identities[inode] for inode in _open_inodes(process, identities.keys()))
    return held


def _open_inodes(process: str, wanted: Collection[int]) -> Iterator[int]:
    """Yield the files among these that a process has open for writing. Raises OSError."""
    for number in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208
        inode = os.stat(f"/proc/{process}/fd/{number}").st_ino  # noqa: PTH116
        if inode in wanted and _is_written(Path(f"/proc/{process}/fdinfo/{number}")):
            yield inode


def _is_written(fdinfo: Path) -> bool:
    flags = next(line for line in fdinfo.read_text().splitlines() if line.startswith("flags:"))
    return int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY


def _comes_first(path: Path) -> bool:
    """Return whether a file is compared before others, if there are more than can be compared."""
    return store.by_name(path.name) is not None


def _is_too_large(path: Path) -> bool:
    state = folders.state(path)
    return state is not None and state.size > MOST_BYTES


def _too_large(name: str) -> SavedFile:
    more = f"it has more than {MOST_BYTES >> 30} GiB (--artifact names a file that is compared whatever its size)"
    return _not_compared(name, more)


def _pattern(name: str) -> str:
    """Return a pattern of the names that differ from this one in their numbers only. It never matches all names."""
    found = re.sub(r"\d+", "*", name)
    return name if found == "*" else found


def _not_compared(name: str, why: str) -> SavedFile:
    return SavedFile(path=name, named=False, format="bytes", error=why, changing=why)


def _begin(path: Path, asked: FileRules) -> int:
    """Return the byte at which the trial's own text begins; 0 if the earlier text is gone."""
    head, now = asked.heads.get(path), folders.state(path)
    if head is None or now is None or now.size <= head.size:
        return 0
    return head.size if _head(path, head.size) == head else 0


def _bounded(files: Sequence[SavedFile]) -> list[SavedFile]:
    """Return the files with as many values and lines as a record may keep.

    For the rest, a record keeps fingerprints.
    """
    kept, room, parts = [], MOST_KEPT, MOST_PARTS
    for file in files:
        lines = file.lines
        room -= sum(len(part.shown) for part in file.parts.values()) + (sum(map(len, lines.kept)) if lines else 0)
        parts -= len(file.parts)
        if room < 0:
            file = _without_values(file)
        kept.append(file if parts >= 0 or len(file.parts) < 2 else _as_one_part(file))
    return kept


def _as_one_part(file: SavedFile) -> SavedFile:
    digests = sorted((name, part.digest) for name, part in file.parts.items())
    digest = xxhash.xxh3_128(repr(digests).encode()).hexdigest()
    return file.model_copy(update={"parts": {"": Part(digest=digest, kind="array")}})


def _without_values(file: SavedFile) -> SavedFile:
    lines = file.lines and file.lines.model_copy(update={"kept": [], "tail": [], "between": file.lines.raw})
    parts = {name: part.model_copy(update={"shown": ""}) for name, part in file.parts.items()}
    return file.model_copy(update={"parts": parts, "lines": lines})


def printed(folder: Path, asked: FileRules) -> list[SavedFile]:
    """Return what the trial printed, as two texts. Options can name both as they name files."""
    return [
        store.printed_file(folder / f"{name}.txt", name, named=matches_any(name, [one.text for one in asked.patterns]))
        for name in ("stdout", "stderr")
        if not matches_any(name, asked.ignores)
    ]
