"""The files with a patch in them, and as they were before."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from samebits import interrupt
from samebits.errors import UsageError
from samebits.patches.patch import Patch
from samebits.store.record_files import shown


class PatchedFiles:
    """A context in which the files have the patch. They are put back at its end, however it ends, unless `keep` was
    called. A file that somebody else has changed meanwhile stays as it is then: `strange` names it.

    Raises UsageError if a file is not what the patch was made for, or cannot be written; none is changed then.
    """

    def __init__(self, patch: Patch) -> None:
        self._new = {path: text.encode(source.encoding) for path, (source, text) in patch.texts.items()}
        self._old = {path: source.text.encode(source.encoding) for path, (source, _) in patch.texts.items()}
        self._times = {path: path.stat() for path in self._new}
        self._is_kept = False
        self.strange: list[Path] = []

    def __enter__(self) -> PatchedFiles:
        for path, old in self._old.items():
            if path.read_bytes() != old:
                raise UsageError(f"{shown(path)} has changed since the patch was made.", "Make the patch again.")
            if not os.access(path, os.W_OK):
                raise UsageError(f"{shown(path)} cannot be written to: the patch is not applied.", f"chmod u+w {path}")
        interrupt.undo_at_end(self._restore)  # a third Ctrl-C waits for nothing
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
        interrupt.tell(known="The trials repeat with the patch, which is in the files.")
        interrupt.forget(self._restore)

    def _restore(self) -> None:
        with interrupt.waited_for():
            for path, old in self._old.items():
                now = path.read_bytes() if path.is_file() else None
                if now == old:
                    continue
                if now is not None and now != self._new[path] and not self._new[path].startswith(now):
                    self.strange.append(path)
                    continue
                path.write_bytes(old)
                times = self._times[path]
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            interrupt.forget(self._restore)
