"""Puts a patch into files, and restores the files: after the trials, and after `samebits fix --apply` was killed."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from samebits import interrupt, words
from samebits.errors import UsageError
from samebits.launch.custody import FIX_COPIES
from samebits.patches.documents import FIX, ChangedPlace, PatchResult
from samebits.patches.earlier import digest, is_out, without_patch
from samebits.patches.patch import Patch
from samebits.patches.program import Program
from samebits.reports.result_words import folder_name
from samebits.store.record_files import shown


class PatchedFiles:
    """A context in which the files have the patch. At its end the files are restored, unless `keep` was called.

    They are restored after an error too. A file that somebody else has changed meanwhile stays as it is. `strange`
    names such files, after `keep` too.

    Raises UsageError if a file has changed since the patch was made, or cannot be written. Then no file is changed.
    """

    def __init__(self, patch: Patch) -> None:
        self._new = {path: text.encode(source.encoding) for path, (source, text) in patch.texts.items()}
        self._old = {path: source.content.encode(source.encoding) for path, (source, _) in patch.texts.items()}
        self._times = {path: path.stat() for path in self._new}
        self._is_kept = False
        self.strange: list[Path] = []

    def __enter__(self) -> PatchedFiles:
        for path, old in self._old.items():
            if path.read_bytes() != old:
                raise UsageError(f"{shown(path)} has changed since the patch was made.", "Make the patch again.")
            if not os.access(path, os.W_OK):
                raise UsageError(f"{shown(path)} cannot be written to: the patch is not applied.", f"chmod u+w {path}")
        interrupt.undo_at_end(self._restore)  # a third Ctrl-C ends the process at once, without `finally`
        try:
            for path, new in self._new.items():
                path.write_bytes(new)
        except OSError as why:
            self._restore()
            raise UsageError(
                f"The patch cannot be written: {why}.", "Write it to a file instead: samebits fix --patch FILE"
            ) from None
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_kept:
            self._restore()

    def keep(self) -> None:
        """Leave the patch in the files."""
        self._is_kept = True
        interrupt.forget(self._restore)
        self.strange = [path for path, new in self._new.items() if not path.is_file() or path.read_bytes() != new]
        if not self._tell_strange():
            interrupt.tell(known="The trials repeat with the patch, which is in the files.", replace=True)

    def _restore(self) -> None:
        with interrupt.waited_for():
            self.strange = [path for path in self._old if not self._is_put_back(path)]
            interrupt.forget(self._restore)
            self._tell_strange()

    def _is_put_back(self, path: Path) -> bool:
        """Restore a file, unless somebody has changed, renamed or removed it. Return whether it is as it was."""
        try:
            now = path.read_bytes()
            if now == self._old[path]:
                return True
            if not self._new[path].startswith(now):
                return False
            path.write_bytes(self._old[path])
            times = self._times[path]
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        except OSError:
            return False
        return True

    def _tell_strange(self) -> bool:
        if self.strange:
            names = words.listed(map(str, self.strange))
            interrupt.tell(known=f"The patch may still be in {names}, which changed meanwhile.")
        return bool(self.strange)


# -- copies of the files, for the time after a kill -------------------------------------------------------------------


_PATCHED = ".patched"


def keep_copies(folder: Path, files: Sequence[tuple[bytes, bytes]]) -> None:
    """Keep a copy of each file without the patch and with it: so a half-written file can be restored after a kill.

    All copies are flushed to the disk, so that a power cut loses nothing either.
    """
    folder.mkdir(exist_ok=True)
    for old, new in files:
        (folder / digest(old)).write_bytes(old)
        (folder / (digest(old) + _PATCHED)).write_bytes(new)
    for path in (*folder.iterdir(), folder, folder.parent):
        flush(path)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_copies(folder: Path) -> None:
    """Remove the copies, once the files are complete."""
    shutil.rmtree(folder, ignore_errors=True)


class PatchedFile(NamedTuple):
    """A file that still has the patch of a fix that was killed.

    `content`: the file without the patch; None unless each place of the patch occurs exactly once. `is_exact`: whether
    `content` is the file before the fix; if not, somebody has made other changes too. `copy`: the path of the copy
    without the patch.
    """

    path: Path
    content: bytes | None
    is_exact: bool
    copy: Path


class Restoration:
    """Finds and restores the files of a fix that was killed. `before`: its document; None if there is none."""

    def __init__(self, program: Program, before: PatchResult | None, record: Path) -> None:
        self._program = program
        self._before = before
        self._record = record
        self._copies = record / FIX_COPIES

    @property
    def found(self) -> list[PatchedFile]:
        """The files that still have the patch, or a part of it."""
        if self._before is None or self._before.outcome != "trying":
            return []
        changes = {one.file: one for one in self._before.changes}
        found = (self._patched(one) for one in changes.values())
        return [one for one in found if one is not None]

    def _patched(self, change: ChangedPlace) -> PatchedFile | None:
        assert self._before is not None
        path, copy = self._program.directory / change.file, self._copies / change.digest
        now, old, new = _content(path), _content(copy), _content(self._copies / (change.digest + _PATCHED))
        if now is None:
            return PatchedFile(path, None, is_exact=False, copy=copy)
        if digest(now) == change.digest:
            return None
        if old is not None and digest(old) == change.digest and (old.startswith(now) or (new or b"").startswith(now)):
            return PatchedFile(path, old, is_exact=True, copy=copy)
        if is_out(self._program, self._before, path, old or b""):
            return None
        content = without_patch(self._program, self._before, path)
        is_exact = content is not None and digest(content) == change.digest
        return PatchedFile(path, content, is_exact, copy)

    def before_a_fix(self, *, apply: bool) -> list[str]:
        """Restore the files if the patch is their only change. Return notes about it.

        Raises UsageError without `apply`, or if a file has other changes too. Then no file changes.
        """
        found = self.found
        if found and not (apply and all(one.is_exact for one in found)):
            still = self._gone(found) or f"Its patch is still in {self._named(found)}."
            raise UsageError(f"A samebits fix --apply was killed. {still}", self.command)
        self._write(found)
        return [f"a samebits fix was killed: samebits first took its patch out of {self._named(found)}"] * bool(found)

    @property
    def command(self) -> str:
        """The command that restores the files."""
        return f"samebits fix --restore {folder_name(self._record)}"

    def restored(self) -> str:
        """Remove the patch from all files, and return a sentence about it.

        Raises UsageError if some of its lines are gone. Then no file changes.
        """
        found = self.found
        lost = [one for one in found if one.content is None]
        if lost:
            what = self._gone(lost) or f"Not all lines of the patch are in {self._named(lost)} any more."
            raise UsageError(f"{what} No file was changed.", self._by_hand(lost[0]))
        self._write(found)
        if not found:
            return "The patch is not in the files."
        changed = [one for one in found if not one.is_exact]
        also = f" {self._named(changed)} had also changed elsewhere; those changes stay." if changed else ""
        return f"samebits took the patch out of {self._named(found)}.{also}"

    def _gone(self, files: Sequence[PatchedFile]) -> str:
        gone = [one for one in files if not one.path.is_file()]
        return f"{self._named(gone)} had the patch, and cannot be found any more." if gone else ""

    def _by_hand(self, lost: PatchedFile) -> str:
        if lost.copy.is_file() and not lost.path.exists():
            folder = "" if lost.path.parent.is_dir() else f"mkdir -p {shlex.quote(str(lost.path.parent))} && "
            return folder + shlex.join(["cp", str(lost.copy), str(lost.path)])
        if not lost.copy.is_file():
            return f"Remove the lines of the patch by hand (it is in {self._record / FIX}); then {self.command}"
        old, now = shlex.quote(str(lost.copy)), shlex.quote(str(lost.path))
        return (
            f"diff {old} {now}   (remove the lines of the patch; then {self.command}; to lose your own changes: "
            f"cp {old} {now})"
        )

    def _write(self, files: Sequence[PatchedFile]) -> None:
        """Write the files without the patch, then remove the copies."""
        for number, one in enumerate(files):
            try:
                one.path.write_bytes(one.content or b"")
                flush(one.path)
            except OSError as why:
                done = f"samebits took the patch out of {self._named(files[:number])}. " if number else ""
                what = f"{done}It is still in {self._named(files[number:])}: {why.strerror or why}."
                raise UsageError(what, f"Make it possible to write there; then {self.command}") from None
        remove_copies(self._copies)

    def _named(self, files: Sequence[PatchedFile]) -> str:
        return words.listed(self._program.shown(one.path) for one in files)


def _content(path: Path) -> bytes | None:
    """Return the content of a file; None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None
