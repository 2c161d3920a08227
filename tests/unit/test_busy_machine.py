"""On a busy machine, file events come faster than samebits takes them: it takes those that wait, and goes on."""

import itertools
import os
import struct

import pytest

from samebits.launch import writes

EVENT = struct.Struct("=IBBHQii")  # of fanotify: length, version, reserved, length of this, mask, file, process
CLOSED_AFTER_WRITING = 0x08
NUMBER = 400  # several blocks of events
FOREIGN, OURS, GONE = 11, 12, 13  # processes


@pytest.fixture
def queue():
    """A pipe that stands for the queue of the kernel: (where events are read, a function that adds one)."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def add(file=-1, process=FOREIGN):
        os.write(writing, EVENT.pack(EVENT.size, 3, 0, EVENT.size, CLOSED_AFTER_WRITING, file, process))

    yield reading, add
    os.close(writing)
    os.close(reading)


@pytest.fixture
def watched(monkeypatch, queue, tmp_path):
    """The watcher of what is written, which takes its events from the queue only if it is told to."""
    monkeypatch.setattr(writes, "_opened", lambda: -1)
    watching = writes.Writes(tmp_path)
    watching._handle = queue[0]
    return watching


def test_only_the_events_that_wait_are_taken_if_each_one_brings_a_new_one(queue):
    handle, add = queue
    for _ in range(NUMBER):
        add()
    taken = 0
    for _ in itertools.islice(writes.fanotify_events(handle), 3 * NUMBER):
        taken += 1
        add()
    assert taken == NUMBER
    assert len(list(writes.fanotify_events(handle))) == NUMBER  # nothing was lost


def test_a_process_that_writes_many_files_is_looked_up_once(watched, queue, tmp_path):
    asked = []

    def is_ours(process):
        asked.append(process)
        return {OURS: True, GONE: None}.get(process, False)

    watched.started(is_ours)
    for number in range(NUMBER):
        process = (FOREIGN, OURS, GONE)[number % 3]
        queue[1](os.open(tmp_path / f"{process}-{number // 3 % 2}", os.O_CREAT | os.O_RDWR), process)
    watched._take()
    assert sorted(asked) == [FOREIGN, OURS, GONE]
    assert watched.ours == {tmp_path / f"{OURS}-0", tmp_path / f"{OURS}-1"}
    assert watched.others == {tmp_path / f"{FOREIGN}-0", tmp_path / f"{FOREIGN}-1"}


def test_what_is_written_before_the_root_of_the_trial_is_known_is_sorted_later(watched, queue, tmp_path):
    for process in (FOREIGN, OURS, GONE):
        queue[1](os.open(tmp_path / str(process), os.O_CREAT | os.O_RDWR), process)
    watched._take()
    assert (watched.ours, watched.others) == (set(), set())
    watched.started({FOREIGN: False, OURS: True}.get)
    assert (watched.ours, watched.others) == ({tmp_path / str(OURS)}, {tmp_path / str(FOREIGN)})
