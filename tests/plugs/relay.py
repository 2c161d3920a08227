"""Trials below a small runner, as `srun` and `docker run` start the programs that they are given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from samebits.launch.processes.local import CommandEnd, Job

RUNNER = """
import subprocess, sys
if not sys.stdin.read(1):
    sys.exit(0)
code = subprocess.call(sys.argv[2:], executable=sys.argv[1], stdin=subprocess.DEVNULL)
sys.exit(code if code >= 0 else 128 - code)
"""


class Relay:
    """Starts each command below a runner of its own."""

    def start(self, job: Job) -> RelayedCommand:
        """Start a command in a fresh session."""
        return RelayedCommand(job)


class RelayedCommand:
    """A command below its runner. The runner waits for `go`, or for the end of its input."""

    def __init__(self, job: Job) -> None:
        runner = [sys.executable, "-S", "-E", "-c", RUNNER, job.executable, *job.command]
        surroundings = {"env": {**job.environment, "RELAYED": "yes"}, "cwd": job.directory}
        with job.stdout.open("wb") as out, job.stderr.open("wb") as err:
            self._process = subprocess.Popen(
                runner, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True, **surroundings
            )

    @property
    def root(self) -> int:
        """The runner's pid."""
        return self._process.pid

    @property
    def handles(self) -> list[int]:
        """See Command."""
        return []

    def go(self) -> None:
        """See Command."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"G")
        self._process.stdin.close()

    def poll(self) -> CommandEnd | None:
        """See Command."""
        code = self._process.poll()
        return None if code is None else CommandEnd(code=code) if code >= 0 else CommandEnd(signal=-code)

    def ask(self) -> None:
        """See Command."""
        self._signal(signal.SIGTERM)

    def close(self) -> None:
        """See Command."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
