"""The folder of a record in which samebits, a host and its workers meet, and the process that removes it."""

from __future__ import annotations

import os
import pickle
import secrets
import subprocess
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from samebits.launch import origin
from samebits.launch.files import folders
from samebits.launch.files.custody import JOBS
from samebits.launch.node.orders import CODE, FOLDER, OrderFiles, Post, pack
from samebits.store.record import PROBE, SHIMS

_ENDS = 10.0
_PACKED: dict[Hashable, Path] = {}  # what was packed last -> its file, which may be gone


class Exchange:
    """The orders and outcomes of one record.

    However samebits ends, the shell command `cleanup` runs, then the folder is removed. In the command, `$0` is the
    name that OrderFiles gives to what a host starts.
    """

    def __init__(self, record: Path, cleanup: str, environment: Mapping[str, str] | None = None) -> None:
        self._folder, self._count = record / f"{JOBS}{secrets.token_hex(4)}", 0
        self._folder.mkdir(mode=0o700)
        name = self._folder.name.lstrip(".")
        self._guard = Guard(f'{cleanup}; rm -rf "$1"', [name, str(self._folder)], environment)
        self._share(CODE, (origin.code(record),), lambda: packed_code(record))

    def add_folder(self, directory: Path, contents: Mapping[str, str]) -> None:
        """Pack the working folder, too. `contents`: see `folders.contents_of`; they tell patches apart."""
        self._share(FOLDER, (directory, *sorted(contents.items())), lambda: folders.archive(directory))

    def _share(self, name: str, key: Hashable, packed: Callable[[], bytes]) -> None:
        """Put a file there that all orders share. The records of a command share one file of the same content."""
        path = self._folder / name
        with suppress(KeyError, OSError):
            os.link(_PACKED[key], path)
            return
        path.write_bytes(packed())
        _PACKED[key] = path

    def order(self, trial: int, post: Post) -> OrderFiles:
        """Write an order, and return its files."""
        self._count += 1
        files = OrderFiles(str(self._folder / f"{self._count}-{trial}"))
        files.path("order").write_bytes(pickle.dumps(post, protocol=4))
        return files


def packed_code(record: Path) -> bytes:
    """Pack the probe and the scripts of a record, which all its trials share: see Post. About 1 MB."""
    return pack(record, [name for name in (PROBE, SHIMS) if (record / name).is_dir()])


class Guard:
    """Runs a shell script when samebits ends, however it ends.

    `words`: the script's arguments. In the script, `$job` is the number that `tell` was given, or empty.
    """

    def __init__(self, script: str, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", f"read -r job; cat >/dev/null; {script}", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        self._finalizer = weakref.finalize(self, _end, self._process)

    def tell(self, job: str) -> None:
        """Tell it the number of a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{job}\n".encode())
        self._process.stdin.flush()

    def close(self) -> None:
        """Let it run its script now."""
        self._finalizer()


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_ENDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
