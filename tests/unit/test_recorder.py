"""The files of a watched process, written while several threads observe."""

import threading

from samebits_probe import wire
from samebits_probe.trace import Recorder

ROW = b"r" * wire.RECORD.size
ROWS = 50_000


def test_nothing_is_lost_that_one_thread_adds_while_another_writes(tmp_path):
    recorder = Recorder(str(tmp_path))
    failures = []

    def add():
        try:
            for number in range(ROWS):
                recorder.add(ROW)
                if number % 100 == 0:
                    recorder.point({"id": number, "kind": "start", "name": "w", "dtype": "", "shape": []})
        except BufferError as error:
            failures.append(error)

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        recorder.flush()
    adding.join()
    recorder.flush()
    assert failures == []
    assert (tmp_path / wire.TRACE).stat().st_size == ROWS * wire.RECORD.size
    assert len((tmp_path / wire.POINTS).read_text().splitlines()) == ROWS // 100
