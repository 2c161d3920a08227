"""Reads saved files in a separate process. A file that takes all time or memory costs only that process.

A file may be damaged, or made to do harm: a few bytes can stand for gigabytes, and the C code of HDF5 can crash. So for
each file the process may use a limited amount of processor time and memory, in proportion to the size of the file.
Processor time is the same on a busy machine as on an idle one, so that a file is read in every trial or in none. The
process starts for the first file, and then reads all further ones.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from samebits.model import SavedFile
from samebits.store import formats
from samebits.store.record_files import json_of

SECONDS, SECONDS_A_MEGABYTE = 2, 0.5  # of the processor, for one file
MEMORY, MEMORY_A_BYTE = 700 << 20, 16  # beyond what the process has at its start
_PATIENCE = 60  # seconds that a reader may take, for each second of the processor that it may use
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from samebits.store.reader_process import serve; serve()"
)
_VARIABLES = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}


class Unreadable(Exception):
    """The error if a file takes too much time or memory, or crashes the reader. The message says which."""


class ReaderProcess:
    """The reader process, as its caller sees it. It starts when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        atexit.register(self.close)

    def read(self, path: Path) -> dict[str, Any]:
        """Return the content of a file as the fields of SavedFile. Raises Unreadable, or OSError without a file."""
        size = path.stat().st_size
        seconds = SECONDS + int(SECONDS_A_MEGABYTE * size / 1e6)
        memory = MEMORY + MEMORY_A_BYTE * size
        question = {"path": str(path.absolute()), "seconds": seconds, "memory": memory}
        for _ in range(2):  # a reader that was ended from outside gets a second try
            line = _reply(self._started(), json.dumps(question).encode() + b"\n")
            if line.endswith(b"\n"):
                fields: dict[str, Any] = json.loads(line)
                return fields
            if self.close() in (-signal.SIGXCPU, -signal.SIGALRM):
                raise Unreadable(f"its content takes more than {seconds} s to read")
        raise Unreadable("its content makes the reader crash")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._folder = tempfile.TemporaryDirectory(prefix="samebits-")
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _START, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",  # so that relative paths in a file lead to nothing
                env={**os.environ, **_VARIABLES, "TMPDIR": self._folder.name},
                start_new_session=True,  # Ctrl-C is for the caller
            )
        return self._process

    def close(self) -> int:
        """End the process, and return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()  # this changes nothing about a process that has ended by itself
        process.communicate()
        if self._folder is not None:
            self._folder.cleanup()  # of the member of an archive that ended the process
        return process.returncode


def _reply(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """Return the answer of a reader, or the beginning of the answer if the reader ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(question)
        process.stdin.flush()
        return process.stdout.readline()
    except OSError:
        return b""


def serve() -> None:
    """Read files until the input ends. Each line of the input is a question, and each line of the output an answer."""
    import resource

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that a library that prints does not disturb the answers
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        question = json.loads(line)
        signal.alarm(_PATIENCE * question["seconds"])
        _prepare(Path(question["path"]))
        used, spent = _address_space(), resource.getrusage(resource.RUSAGE_SELF)
        limit = int(spent.ru_utime + spent.ru_stime) + 1 + question["seconds"]
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_AS, (used + question["memory"], resource.RLIM_INFINITY))
        answers.write(json_of(_answer(question)).encode() + b"\n")
        answers.flush()
        signal.alarm(0)


def _prepare(path: Path) -> None:
    """Import what reads a file, before its limits begin: the import of TensorFlow takes more time than any file."""
    import resource

    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    reader = formats.by_name(path.name)
    if reader is not None and reader.module:
        with suppress(formats.MissingLibrary):
            reader.prepare()


def _answer(question: dict[str, Any]) -> SavedFile:
    from samebits.store.artifacts import contents

    return contents(Path(question["path"]))


def _address_space() -> int:
    """Return the bytes of address space that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
