"""The files of a watched process, written while several threads observe."""

import json
import os
import threading

from samebits_probe import wire
from samebits_probe.trace import Recorder

ROW = b"r" * wire.ROW.size
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


def test_a_number_that_is_not_finite_is_written_as_strict_json(tmp_path):
    recorder = Recorder(str(tmp_path))
    values = {"lr": float("nan"), "most": [1.5, float("inf"), (float("-inf"), "x")], float("nan"): 0}
    recorder.event("settings", facts=values, other=object())
    recorder.document("end.json", {"loss": float("nan")})

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    event = json.loads((tmp_path / wire.EVENTS).read_text(), parse_constant=refuse)
    assert event["facts"] == {"lr": "NaN", "most": [1.5, "Infinity", ["-Infinity", "x"]], "NaN": 0}
    assert json.loads((tmp_path / "end.json").read_text(), parse_constant=refuse) == {"loss": "NaN"}
