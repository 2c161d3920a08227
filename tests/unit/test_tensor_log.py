"""The tensor log: what the probe writes is what the reader gives, and a row that no probe writes is refused."""

import json
import threading
from array import array

import pytest

from samebits.errors import RecordError
from samebits.store import TensorLog
from samebits_probe import wire
from samebits_probe.probe.tensor_log import TensorSelection
from samebits_probe.trace import Recorder

ONE = {"first": 2, "last": 3, "kinds": ["update", "end"], "name": "w"}
ROW = {"step": 0, "kind": "batch", "name": "x", "dtype": "u1", "shape": [4], "offset": 0, "size": 4}


class Process:
    """What a selection needs of the probe of a process."""

    def __init__(self, folder, want):
        self.step, self.lock, self.events = 0, threading.RLock(), []
        self.recorder = Recorder(str(folder))
        self.selection = TensorSelection(self, want)

    def event(self, event, **fields):
        self.events.append((event, fields))


def taken(folder):
    """(step, kind, name, bytes) of each tensor in a folder."""
    log = TensorLog(folder)
    return [(row.step, row.kind, row.name, log.read(row).data) for row in log.rows]


def write_rows(folder, *rows, data=b"abcd", end="\n"):
    (folder / wire.TENSORS).write_bytes(data)
    (folder / wire.TENSOR_ROWS).write_text("\n".join(map(json.dumps, rows)) + end)


def test_what_is_written_is_read(tmp_path):
    process = Process(tmp_path, {"first": 0, "last": 0})
    doubles = array("d", [1.5, -0.0])
    for kind, name, tensor in (
        ("start", "w", ("float64", (2,), memoryview(doubles))),
        ("batch", "naïve\n", ("bool", (0, 3), b"")),
        ("batch", "text", ("str", (), bytearray(b"'a'"))),
    ):
        process.selection.take(kind, name, tensor)
    log = TensorLog(tmp_path)
    assert [(row.step, row.kind, row.name) for row in log.rows] == [
        (-1, "start", "w"), (0, "batch", "naïve\n"), (0, "batch", "text"),
    ]  # fmt: skip
    assert [log.read(row) for row in log.rows] == [
        (doubles.tobytes(), "float64", (2,)), (b"", "bool", (0, 3)), (b"'a'", "str", ()),
    ]  # fmt: skip
    assert log.find("batch", "text") == log.rows[2]
    assert log.find("batch", "w") is None


def test_of_one_name_the_first_tensor_of_each_step_is_written_and_the_last_end(tmp_path):
    process = Process(tmp_path, ONE)
    for step in range(5):
        process.step = step
        for kind, name in (("update", "w"), ("update", "w"), ("update", "v"), ("gradient", "w")):
            process.selection.take(kind, name, ("u1", (1,), bytes([step])))
    process.step = 3
    for value in range(3):
        process.selection.take("end", "w", ("u1", (value,), bytes(value)))
    assert taken(tmp_path) == [(2, "update", "w", b"\2"), (3, "update", "w", b"\3"), (3, "end", "w", b"\0\0")]


def test_a_forked_process_writes_files_of_its_own(tmp_path):
    process = Process(tmp_path, ONE)
    process.step = 2
    process.selection.take("update", "w", ("u1", (1,), b"a"))
    (tmp_path / "child").mkdir()
    process.recorder = Recorder(str(tmp_path / "child"))
    process.selection.take("update", "w", ("u1", (1,), b"b"))
    assert taken(tmp_path) == [(2, "update", "w", b"a")]
    assert taken(tmp_path / "child") == [(2, "update", "w", b"b")]


def test_no_tensor_is_written_after_one_for_which_there_was_no_room(tmp_path):
    process = Process(tmp_path, {"first": 0, "last": 1, "most": 5})
    for data in (b"123", b"456", b"7"):
        process.selection.take("batch", "x", ("u1", (len(data),), data))
    assert taken(tmp_path) == [(0, "batch", "x", b"123")]
    assert process.events == [("tensors-full", {"step": 0})]


def test_what_is_set_is_said_where_it_is_new(tmp_path):
    process = Process(tmp_path, {"first": 0, "last": 3})
    for rate in (0.1, 0.1, 0.2):
        process.selection.about("optimizer", "", {"rate": rate})
        process.step += 1
    assert [(fields["step"], fields["facts"]["rate"]) for _, fields in process.events] == [(0, 0.1), (2, 0.2)]


def test_a_folder_without_tensors_holds_none(tmp_path):
    assert TensorLog(tmp_path).rows == []


def test_a_row_that_was_torn_by_a_crash_is_left_out(tmp_path):
    write_rows(tmp_path, ROW, {**ROW, "name": "y"}, end="")
    assert [row.name for row in TensorLog(tmp_path).rows] == ["x"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 5}, "batch 'x' lies outside tensors.bin: one of them was truncated"),
        ({"offset": 1}, "lies outside"),
        ({"offset": -1}, "lies outside"),
        ({"size": -4}, "lies outside"),
        ({"offset": 2**63 - 1, "size": 2**63 - 1}, "lies outside"),
        ({"offset": 2**64}, "has more than 64 bits"),
        ({"offset": 0.0}, "offset: Input should be a valid integer"),
        ({"name": None}, "name: Input should be a valid string"),
        ({"shape": [-1, -4]}, "has an impossible shape"),
        ({"shape": [1] * 65}, "has an impossible shape"),
        ({"shape": ["4"]}, "shape.0: Input should be a valid integer"),
    ],
)
def test_a_row_that_no_probe_writes_is_refused(tmp_path, change, message):
    write_rows(tmp_path, {**ROW, **change})
    with pytest.raises(RecordError) as refused:
        TensorLog(tmp_path)
    assert wire.TENSOR_ROWS in refused.value.message
    assert message in refused.value.message


def test_values_that_were_truncated_are_refused(tmp_path):
    write_rows(tmp_path, ROW, data=b"abc")
    with pytest.raises(RecordError, match="truncated"):
        TensorLog(tmp_path)
    (tmp_path / wire.TENSORS).unlink()
    with pytest.raises(RecordError, match="truncated"):
        TensorLog(tmp_path)


@pytest.mark.parametrize("name", [wire.TENSORS, wire.TENSOR_ROWS])
def test_links_are_not_followed(tmp_path, name):
    write_rows(tmp_path, ROW)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    (tmp_path / name).symlink_to("elsewhere")
    with pytest.raises(RecordError, match="it is a link"):
        TensorLog(tmp_path)


@pytest.mark.parametrize("line", ["[]", "3", "{", '{"step": 0}', "\\"])
def test_a_line_that_is_no_row_is_refused(tmp_path, line):
    (tmp_path / wire.TENSOR_ROWS).write_text(line + "\n")
    with pytest.raises(RecordError, match=wire.TENSOR_ROWS):
        TensorLog(tmp_path)
