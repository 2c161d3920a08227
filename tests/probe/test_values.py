"""Values that the probe is asked to keep: what is written, and that nothing else changes. Any Python of this machine."""

import struct
import sys

import pytest

from samebits.store import TensorLog

PROGRAM = """
import samebits_probe
for step in range(4):
    samebits_probe.observe("batch", [0.5 + step, 2.5], step=step)
    samebits_probe.observe("loss", 1.0 / (1 + step), step=step)
"""
ASKED = {"first": 1, "last": 2, "most": 1 << 20, "layers": True}


def kept(process):
    """(step, kind, name, value) of each tensor that was written."""
    log = TensorLog(process.folder)
    return [(row.step, row.kind, row.name, struct.unpack("<d", log.read(row).data)[0]) for row in log.rows]


@pytest.fixture(params=["oldest", "this"])
def python(request, pythons):
    return sys.executable if request.param == "this" else next(iter(pythons.values()), sys.executable)


def test_the_values_of_the_steps_that_were_asked_for_are_written(watched_run, python):
    process = watched_run(python, PROGRAM, tensors=ASKED).only
    assert kept(process) == [
        (1, "batch", "batch.0", 1.5), (1, "batch", "batch.1", 2.5), (1, "forward", "loss", 0.5),
        (2, "batch", "batch.0", 2.5), (2, "batch", "batch.1", 2.5), (2, "forward", "loss", 1.0 / 3),
    ]  # fmt: skip
    assert not [event for event in process.events if event["event"] == "probe-failed"]


def test_what_is_recorded_is_the_same_with_and_without_values(watched_run, python):
    with_values, without = (watched_run(python, PROGRAM, tensors=asked).only for asked in (ASKED, None))
    assert with_values.rows == without.rows
    assert kept(without) == []


def test_a_full_file_is_said_and_holds_what_came_before(watched_run):
    process = watched_run(sys.executable, PROGRAM, tensors={**ASKED, "most": 30}).only
    assert [name for _, _, name, _ in kept(process)] == ["batch.0", "batch.1", "loss"]
    assert [event["step"] for event in process.events if event["event"] == "tensors-full"] == [2]
    assert process.steps == 4
