"""The files of a watched process, written while several threads observe."""

import os
import threading

from samebits_probe import wire
from samebits_probe.trace import Recorder

ROW = b"r" * wire.RECORD.size
ROWS = 8192  # more bytes than a pipe takes at once


def test_nothing_is_lost_that_one_thread_adds_while_another_writes(tmp_path):
    os.mkfifo(tmp_path / wire.TRACE)
    reading = os.open(tmp_path / wire.TRACE, os.O_RDONLY | os.O_NONBLOCK)
    recorder = Recorder(str(tmp_path))
    recorder.add(ROW * ROWS)
    writing = threading.Thread(target=recorder.flush)
    writing.start()
    os.set_blocking(reading, True)
    found = b""
    while not found:  # then the other thread is within its write, and stays there until the pipe is read
        found = os.read(reading, 1)
    recorder.add(ROW)
    while len(found) < ROWS * len(ROW):
        found += os.read(reading, 1 << 16)
    writing.join(60)
    recorder.flush()
    found += os.read(reading, 1 << 16)
    os.close(reading)
    assert found == ROW * (ROWS + 1)
