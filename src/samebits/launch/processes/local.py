"""Runs trials as processes of this machine. A launcher is anything with `start`; this one is always there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from samebits.endings import SUPERVISOR_KILLED, Status
from samebits.launch.processes import supervisor
from samebits.words import signal_name

_SUPERVISOR_CODE = "import sys; sys.path.append(sys.argv[1]); import supervisor; supervisor.main()"
OTHERS_MAY_TAKE, _LOOK_FOR_OTHERS = 5.0, 0.05  # seconds


@dataclass(frozen=True)
class Job:
    """A command for a launcher: its folder, its exact environment, and the two files for its output."""

    executable: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended: by `code`, by `signal`, or because it could not be started (`error`).

    `is_unsupervised`: its supervisor was killed from outside. This says nothing about the command.
    `memory`: the most bytes that one of its processes has taken, as far as the system counted them; 0 if unknown.
    `left`: whether a process may still run below it.
    """

    code: int | None = None
    signal: int | None = None
    error: str = ""
    memory: int = 0
    left: bool = True
    is_unsupervised: bool = False

    def badly(self, ok_exit: int) -> tuple[Status, str] | None:
        """Return the status of a trial whose command did not end as it should, and why; None if it ended well."""
        if self.is_unsupervised:
            return "killed", SUPERVISOR_KILLED
        if self.error:
            return "failed", self.error
        if self.signal is not None:
            return "killed", f"it was killed by {signal_name(self.signal)}"
        return ("failed", exit_words(self.code or 0)) if self.code != ok_exit else None


class Command(Protocol):
    """A command below its parent. It begins at `go`, so that the parent can start while samebits prepares the trial."""

    @property
    def root(self) -> int:
        """The process below which all of the trial runs."""
        ...

    @property
    def handles(self) -> list[int]:
        """Descriptors. One can be read when the command has ended; without any, samebits notices the end later."""
        ...

    def go(self) -> None:
        """Start the command."""
        ...

    def poll(self) -> CommandEnd | None:
        """Return how the command ended, or None while it runs. Returns at once."""
        ...

    def ask(self) -> None:
        """Ask all processes of the trial to end (SIGTERM)."""
        ...

    def close(self) -> None:
        """End all processes of the trial that still run. Returns when they are gone."""
        ...


class Launcher(Protocol):
    """Where trials run."""

    def start(self, job: Job) -> Command:
        """Start the parent of a command. The command itself begins when its `go` is called."""
        ...


class LocalLauncher:
    """Starts each command below a supervisor of its own (see `samebits.launch.processes.supervisor`)."""

    def start(self, job: Job) -> LocalCommand:
        """Start the supervisor of a command, in a session of its own."""
        return LocalCommand(job)


class LocalCommand:
    """A command below its supervisor. The supervisor takes about 10 ms to start, and then waits for `go`."""

    def __init__(self, job: Job) -> None:
        folder = str(Path(supervisor.__file__).parent)
        words = [folder, str(job.stdout), str(job.stderr), job.executable, *job.command]
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-S", "-I", "-c", _SUPERVISOR_CODE, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(job.environment),
            cwd=job.directory,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._text = b""
        self._ending: CommandEnd | None = None

    @property
    def root(self) -> int:
        """The supervisor's pid."""
        return self._process.pid

    @property
    def handles(self) -> list[int]:
        """See Command."""
        assert self._process.stdout is not None
        return [] if self._ending is not None else [self._process.stdout.fileno()]

    def poll(self) -> CommandEnd | None:
        """See Command."""
        while self._ending is None and (line := self._line()) is not None:
            fact, _, value = line.partition(" ")
            if fact == "error":
                self._ending = CommandEnd(error=value)
            elif fact in ("code", "signal"):
                number, memory, left = map(int, value.split())
                code, by = (number, None) if fact == "code" else (None, number)
                self._ending = CommandEnd(code, by, memory=memory, left=left > 0)
        if self._ending is None and self._process.poll() is not None:
            self._ending = CommandEnd(is_unsupervised=True)
        return self._ending

    def _line(self) -> str | None:
        assert self._process.stdout is not None
        if b"\n" not in self._text:
            self._text += self._process.stdout.read(65536) or b""
        line, newline, rest = self._text.partition(b"\n")
        if not newline:
            return None
        self._text = rest
        return line.decode()

    def go(self) -> None:
        """See Command."""
        self._order(b"G")

    def ask(self) -> None:
        """See Command."""
        self._order(b"T")

    def _order(self, order: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(order)
            self._process.stdin.flush()
        except OSError:  # the supervisor is gone, and so is everything below it
            return

    def close(self) -> None:
        """See Command. If its input is closed, the supervisor ends everything."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:
                continue
        self._process.wait()


def still_running(running: Command) -> list[str]:
    """Return the command lines of the processes below a trial's root."""
    lines = [supervisor.command_line(process.pid) for process in supervisor.below(running.root)]
    return [" ".join(line) for line in lines if line]


def end_all(running: Command, processes: Path, seconds: float = OTHERS_MAY_TAKE) -> None:
    """End all processes of a trial, and wait until no other process runs that left files in `processes`.

    An example is a worker of a Ray cluster that was there before the trial: it is not below the trial's root. Ray ends
    it a moment after the program. The trial must not be sealed before this worker has stopped writing.
    """
    running.close()
    until = time.monotonic() + seconds
    pids = [name.rpartition("-")[2] for name in (os.listdir(processes) if processes.is_dir() else [])]  # noqa: PTH208
    while time.monotonic() < until and any(map(_runs, pids)):
        time.sleep(_LOOK_FOR_OTHERS)


def _runs(pid: str) -> bool:
    with suppress(OSError):  # it is gone, or a zombie, or belongs to a different user
        return bool(os.readlink(f"/proc/{pid}/exe"))  # noqa: PTH115
    return False


def exit_words(code: int) -> str:
    """Describe an exit status. A shell gives 128 + n for a program that signal n killed."""
    if code > 128 and code - 128 in {int(number) for number in signal.Signals}:
        return f"it ended with exit status {code} (killed by {signal_name(code - 128)} below a shell)"
    return f"it ended with exit status {code}"
