"""What the files of a process that still runs show."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.launch.observations import diverges
from samebits.store.trace import ROW_TYPE
from samebits_probe import wire
from samebits_probe.trace import Recorder

KINDS = ("start", "rng", "batch", "forward", "gradient", "update", "structure", "end")
STEPS = 3


def recorded(folder, steps=STEPS):
    """A process that observed one point of each kind in each step."""
    folder.mkdir()
    recorder = Recorder(str(folder))
    recorder.document(wire.PROCESS, {"pid": 1, "argv": ["train.py"]})
    for number, kind in enumerate(KINDS):
        recorder.point({"id": number, "kind": kind, "name": kind, "dtype": "float32", "shape": [2]})
    for step in range(steps):
        for number, kind in enumerate(KINDS):
            print_ = bytes([step, number] * 8)
            recorder.add(wire.ROW.pack(step, number, wire.CODE[kind], wire.LEAF, 0, print_))
    recorder.flush()
    return folder


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The folder of a process that made more steps than the others."""
    return recorded(tmp_path_factory.mktemp("observations") / "first", steps=STEPS + 5)


def changed(folder, at, column, change):
    """The folder, after a change of one row."""
    path = folder / wire.TRACE
    rows = np.frombuffer(path.read_bytes(), ROW_TYPE).copy()
    rows[column][at] = change(rows[column][at])
    path.write_bytes(rows.tobytes())
    return folder


def test_a_process_that_observed_the_same_has_not_diverged(reference, tmp_path):
    assert not diverges(recorded(tmp_path / "second"), reference)


@given(step=st.integers(0, STEPS - 1), kind=st.sampled_from(KINDS), byte=st.integers(0, 15))
def test_a_process_with_a_different_value_has_diverged(reference, tmp_path_factory, step, kind, byte):
    folder = recorded(tmp_path_factory.mktemp("law") / "second")
    flipped = lambda value: np.void(bytes(b ^ (at == byte) for at, b in enumerate(value.tobytes())))  # noqa: E731
    changed(folder, step * len(KINDS) + KINDS.index(kind), "fingerprint", flipped)
    assert diverges(folder, reference) == (kind not in ("rng", "structure", "end"))
    shutil.rmtree(folder)


@pytest.mark.parametrize("column", ["step", "point", "occurrence"])
def test_a_different_order_is_no_certain_divergence(reference, tmp_path, column):
    folder = changed(recorded(tmp_path / "second"), 3, "fingerprint", lambda value: np.void(bytes(16)))
    assert diverges(folder, reference)
    kinds = {"point": lambda value: value - 1}
    assert not diverges(changed(folder, 11, column, kinds.get(column, lambda value: value + 1)), reference)


def test_more_observations_than_the_reference_has_or_none_at_all_are_no_certain_divergence(reference, tmp_path):
    second = changed(recorded(tmp_path / "second", steps=STEPS + 6), 3, "fingerprint", lambda value: np.void(bytes(16)))
    assert not diverges(second, reference)
    assert not diverges(tmp_path / "nothing", reference)
    (second / wire.POINTS).write_text("{")
    assert not diverges(second, reference)


SEVERAL = {
    "networks": [{"event": "model", "label": ""}, {"event": "model", "label": "model#2."}],
    "threads": [{"event": "not-observed", "point": "training in another thread"}],
    "a pool": [{"event": "pooled"}],
}


@pytest.mark.parametrize("events", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("later", [False, True], ids=["already", "only the reference has seen it"])
def test_what_is_compared_as_a_whole_has_not_diverged_for_certain(reference, tmp_path, events, later):
    """Later steps may show that networks came in a different order, for example."""
    second = changed(recorded(tmp_path / "second"), 3, "fingerprint", lambda value: np.void(bytes(16)))
    first = shutil.copytree(reference, tmp_path / "first")
    assert diverges(second, first)
    ((first if later else second) / wire.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    assert not diverges(second, first)
