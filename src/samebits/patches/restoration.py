"""Takes out the patch that `samebits fix --apply` leaves in the files if it is killed."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from samebits import words
from samebits.errors import UsageError
from samebits.patches.documents import ChangedPlace, PatchResult
from samebits.patches.earlier import hunks
from samebits.patches.program import Program
from samebits.reports.result_words import folder_name
from samebits.store.content import digest_of

COPIES = "fix-copies"  # in the record, while a patch is tried: each file as it is without the patch, and with it
_PATCHED = ".patched"


def keep_copies(folder: Path, files: Sequence[tuple[bytes, bytes]]) -> None:
    """Write each file without and with the patch, so that a kill loses nothing: a half-written file can be mended."""
    folder.mkdir(exist_ok=True)
    for old, new in files:
        (folder / _digest(old)).write_bytes(old)
        (folder / (_digest(old) + _PATCHED)).write_bytes(new)


def remove_copies(folder: Path) -> None:
    """The files are whole: remove the copies."""
    shutil.rmtree(folder, ignore_errors=True)


class PatchedFile(NamedTuple):
    """A file that holds the patch of a fix that was killed.

    `content`: without it; None if the lines of the patch are not all there, once. `is_exact`: whether the file then is
    what it was before the fix; if not, something else has changed in it, too.
    """

    path: Path
    content: bytes | None
    is_exact: bool


class Restoration:
    """Finds and restores what a fix that was killed has left. `before`: its document; None if there is none."""

    def __init__(self, program: Program, before: PatchResult | None, record: Path) -> None:
        self._program = program
        self._before = before
        self._record = record
        self._copies = record / COPIES

    @property
    def found(self) -> list[PatchedFile]:
        """The files that are not as they were before the patch."""
        if self._before is None or self._before.outcome != "trying":
            return []
        changes = {one.file: one for one in self._before.changes}
        found = (self._patched(one) for one in changes.values())
        return [one for one in found if one is not None]

    def _patched(self, change: ChangedPlace) -> PatchedFile | None:
        path = self._program.directory / change.file
        now = path.read_bytes() if path.is_file() else b""
        if _digest(now) == change.digest:
            return None
        copy, patched = self._copies / change.digest, self._copies / (change.digest + _PATCHED)
        if copy.is_file() and patched.is_file() and patched.read_bytes().startswith(now):
            return PatchedFile(path, copy.read_bytes(), is_exact=True)
        content = self._without_the_lines(path, change.file)
        return PatchedFile(path, content, is_exact=content is not None and _digest(content) == change.digest)

    def _without_the_lines(self, path: Path, name: str) -> bytes | None:
        assert self._before is not None
        source = self._program.source(path)
        if source is None:
            return None
        text = source.text
        for hunk in (one for one in hunks(self._before.patch) if one.file == name.lstrip("/")):
            if text.count(hunk.new) != 1:
                return None
            text = text.replace(hunk.new, hunk.old)
        return text.encode(source.encoding)

    def before_a_fix(self, *, apply: bool) -> list[str]:
        """Restore the files that hold nothing but the patch; notes on that. UsageError without `apply`."""
        exact = [one for one in self.found if one.is_exact and one.content is not None]
        if exact and not apply:
            what = f"A samebits fix --apply was killed. Its patch is still in {self._named(exact)}."
            raise UsageError(what, self.command)
        for one in exact:
            one.path.write_bytes(one.content or b"")
        return [f"a samebits fix was killed; samebits first took its patch out of {self._named(exact)}"] * bool(exact)

    @property
    def command(self) -> str:
        """The command that restores the files."""
        return f"samebits fix --restore {folder_name(self._record)}"

    def restored(self) -> str:
        """Take the patch out of all files, and say so. UsageError if its lines are not all there: nothing changes."""
        found = self.found
        lost = [one for one in found if one.content is None]
        if lost:
            what = f"The lines of the patch are not all in {self._named(lost)} any more. No file was changed."
            raise UsageError(what, f"Take it out by hand: the patch is in {self._record / 'fix.json'}.")
        for one in found:
            one.path.write_bytes(one.content or b"")
        remove_copies(self._copies)
        if not found:
            return "The files are as they were before the patch."
        changed = [one for one in found if not one.is_exact]
        also = f" {self._named(changed)} had also changed elsewhere; those changes stay." if changed else ""
        return f"The patch is out of {self._named(found)}.{also}"

    def _named(self, files: Sequence[PatchedFile]) -> str:
        return words.listed(self._program.shown(one.path) for one in files)


def _digest(content: bytes) -> str:
    return digest_of(io.BytesIO(content))
