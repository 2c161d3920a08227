"""Puts a patch into files, and restores the files."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from samebits import interrupt, words
from samebits.errors import UsageError
from samebits.patches.patch import Patch
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
            interrupt.tell(known="The trials repeat with the patch, which is in the files.")

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
