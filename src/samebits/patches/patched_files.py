"""Puts a patch into files, and restores the files: after the trials, and after `samebits fix --apply` was killed."""

from __future__ import annotations

import io
import os
import shlex
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from samebits import interrupt, words
from samebits.errors import UsageError
from samebits.launch.files.custody import FIX_COPIES
from samebits.patches.documents import ChangedPlace, PatchResult
from samebits.patches.patch import Patch
from samebits.reports.result_words import folder_name
from samebits.store.record_files import digest_of, shown


class PatchedFiles:
    """A context in which the files have the patch. At its end the files are restored, unless `keep` was called.

    They are restored after an error too. A file that somebody else has changed meanwhile stays as it is. `strange`
    names such files, after `keep` too.

    Raises UsageError if a file has changed since the patch was made, or cannot be written. Then no file is changed.
    """

    def __init__(self, patch: Patch) -> None:
        self._old = {path: old for path, (old, _) in patch.contents.items()}
        self._new = {path: new for path, (_, new) in patch.contents.items()}
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


def keep_copies(folder: Path, files: Iterable[tuple[bytes, bytes]]) -> None:
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


def digest(content: bytes) -> str:
    """Return the digest of a file with this content, in the form of `ChangedPlace.digest`."""
    return digest_of(io.BytesIO(content))


def content_of(path: Path) -> bytes:
    """Return the content of a file; nothing if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


class PatchedFile(NamedTuple):
    """A file that still has the patch of a fix that was killed. `copy`: the path of the copy without the patch.

    `is_own`: whether it holds nothing but the patch, or the beginning of it. If not, somebody has changed it since.
    """

    name: str
    path: Path
    copy: Path
    is_own: bool


class Restoration:
    """Finds and restores the files of a fix that was killed. `before`: its document; None if there is none."""

    def __init__(self, before: PatchResult | None, record: Path) -> None:
        self._record, self._copies = record, record / FIX_COPIES
        is_killed = before is not None and before.outcome == "trying" and self._copies.is_dir()
        changes = {change.file: change for change in before.changes} if before is not None and is_killed else {}
        directory = Path(before.directory) if before is not None else Path()
        self.found = [file for change in changes.values() if (file := self._patched(directory, change)) is not None]

    def _patched(self, directory: Path, change: ChangedPlace) -> PatchedFile | None:
        path, copy = directory / change.file, self._copies / change.digest
        now, old, new = map(content_of, (path, copy, self._copies / (change.digest + _PATCHED)))
        if digest(now) == change.digest:
            return None
        is_own = path.is_file() and digest(old) == change.digest and (old.startswith(now) or new.startswith(now))
        return PatchedFile(change.file, path, copy, is_own)

    def before_a_fix(self, *, apply: bool) -> list[str]:
        """Restore the files if the patch is their only change. Return notes about it.

        Raises UsageError without `apply`, or if a file has other changes too. Then no file changes.
        """
        if self.found and not (apply and all(file.is_own for file in self.found)):
            still = f"A samebits fix --apply was killed. Its patch is still in {_names(self.found)}."
            raise UsageError(still, f"samebits fix --restore {folder_name(self._record)}")
        self._write(self.found)
        remove_copies(self._copies)
        names = _names(self.found)
        return [f"a samebits fix was killed: samebits first took its patch out of {names}"] * bool(self.found)

    def restored(self) -> str:
        """Write the copies into the files, and return a sentence about it.

        Raises UsageError if somebody has changed some of the files since. These files stay as they are.
        """
        others = [file for file in self.found if not file.is_own]
        self._write([file for file in self.found if file.is_own])
        if others:
            old, now = (shlex.quote(str(path)) for path in (others[0].copy, others[0].path))
            what = f"Somebody has changed or moved {_names(others)}, which had the patch. samebits leaves it as it is."
            by_hand = f"Take the patch out by hand; then rm -r {shlex.quote(str(self._copies))}"
            raise UsageError(what, f"diff {old} {now}   ({by_hand}. To discard your own changes: cp {old} {now})")
        remove_copies(self._copies)
        return f"samebits took the patch out of {_names(self.found)}." if self.found else "The patch is in no file."

    def _write(self, files: Sequence[PatchedFile]) -> None:
        for number, file in enumerate(files):
            try:
                shutil.copyfile(file.copy, file.path)
                flush(file.path)
            except OSError as why:
                what = f"The patch is still in {_names(files[number:])}: {why.strerror or why}."
                again = f"samebits fix --restore {folder_name(self._record)}"
                raise UsageError(what, f"Make it possible to write there; then {again}") from None


def _names(files: Iterable[PatchedFile]) -> str:
    return words.listed(file.name for file in files)
