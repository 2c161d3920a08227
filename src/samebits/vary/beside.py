"""Processes that keep processors busy while trials run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# ends by itself where samebits was killed: nobody else would end it
_BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: sum(range(100000))"


@contextmanager
def busy(number: int) -> Iterator[None]:
    """So many busy processes while the block runs."""
    command = [sys.executable, "-S", "-E", "-c", _BUSY]
    processes = []
    try:
        for _ in range(number):
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
