"""What the files of a process that still runs show."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.launch.plan import Limits
from samebits.launch.processes.observations import Processes, diverges
from samebits.launch.trial.pauses import steps_allowed
from samebits.store.trace import ROW_TYPE, read_process
from samebits_probe import wire
from samebits_probe.trace import Recorder

KINDS = ("start", "rng", "batch", "forward", "gradient", "update", "structure", "end")
STEPS = 3


SETTINGS = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def recorded(folder, steps=STEPS, ended=False, **facts):
    """A process that observed one point of each kind in each step."""
    folder.mkdir(parents=True)
    recorder = Recorder(str(folder))
    recorder.document(wire.PROCESS, {"pid": 1, "argv": ["train.py"], **facts})
    for number, kind in enumerate(KINDS):
        recorder.point({"id": number, "kind": kind, "name": kind, "dtype": "float32", "shape": [2]})
    for step in range(steps):
        for number, kind in enumerate(KINDS):
            print_ = bytes([step, number] * 8)
            recorder.add(wire.ROW.pack(step, number, wire.CODE[kind], wire.LEAF, 0, print_))
    recorder.flush()
    recorder.document(wire.END if ended else wire.STOPPED, {"steps": steps})
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


def other_value(value):
    return np.void(bytes(byte ^ 255 for byte in value.tobytes()))


@given(step=st.integers(0, STEPS - 1), kind=st.sampled_from(KINDS), byte=st.integers(0, 15))
def test_a_process_with_a_different_value_has_diverged(reference, tmp_path_factory, step, kind, byte):
    folder = recorded(tmp_path_factory.mktemp("law") / "second")
    flipped = lambda value: np.void(bytes(b ^ (at == byte) for at, b in enumerate(value.tobytes())))  # noqa: E731
    changed(folder, step * len(KINDS) + KINDS.index(kind), "fingerprint", flipped)
    assert diverges(folder, reference) == (kind not in ("rng", "batch", "forward"))
    shutil.rmtree(folder)


def test_a_process_that_still_runs_or_observed_nothing_or_is_damaged_has_not_diverged(reference, tmp_path):
    second = changed(recorded(tmp_path / "second"), 4, "fingerprint", other_value)
    assert diverges(second, reference)
    assert not diverges(tmp_path / "nothing", reference)
    (second / wire.STOPPED).rename(tmp_path / "stopped.json")
    assert not diverges(second, reference)
    (tmp_path / "stopped.json").rename(second / wire.STOPPED)
    (second / wire.POINTS).write_text("{")
    assert not diverges(second, reference)


def test_different_children_of_a_process_have_not_diverged(reference, tmp_path):
    child = changed(recorded(tmp_path / "second", identity=[2]), 4, "fingerprint", other_value)
    assert not diverges(child, reference)
    assert diverges(child, recorded(tmp_path / "first", identity=[2]))
    assert not diverges(child, recorded(tmp_path / "other", identity=[1]))


@pytest.mark.parametrize(("processes", "steps"), [(0, 40), (1, STEPS), (2, 40)])
def test_a_trial_ends_early_only_if_one_process_trained_in_each(tmp_path, processes, steps):
    for number in range(processes):
        recorded(tmp_path / "first" / wire.PROCESSES / f"{number}-{number + 1}", steps=40)
    changed(recorded(tmp_path / "second" / wire.PROCESSES / "0-9"), 4, "fingerprint", other_value)
    (own,) = Processes(tmp_path / "second").observing()
    limits = Limits(steps=STEPS, most=40, reference=1)
    assert steps_allowed(limits, own, 0.0, tmp_path / "first") == steps


# -- the law: a trial that ends early would have diverged -------------------------------------------------------------

NAMES = ("0", "loss", "evaluation/loss", "SGD#2/lr", "param.1")
rows = st.lists(
    st.tuples(st.integers(-1, 3), st.sampled_from(KINDS[:6]), st.sampled_from(NAMES), st.integers(0, 1)), max_size=12
)
edits = st.lists(st.tuples(st.sampled_from(["drop", "change", "move", "again"]), st.integers(0, 20)), max_size=3)


def edited(observed, changes):
    """The observations of a second trial: some are left out, changed, made later in their step, or made again."""
    found = list(observed)
    for what, at in changes:
        for step, kind, name, value in [found.pop(at % len(found))] if found else []:
            usual = (step, kind, name, value)
            made = {"drop": [], "change": [(step, kind, name, value + 1)], "move": [usual], "again": [usual, usual]}
            found += made[what]
    return found


def written(writing, observed, *, until=None):
    """A function for `Writing.record`: a trial that waits after so many steps, or ends after four."""

    def write(folder, number):
        process = writing.process(folder)
        process.add(-1, "start", "weight", 0)
        for step, kind, name, value in sorted(observed, key=lambda row: row[0]):
            if until is None or step < until:
                process.add(step, kind, name, value)
        if until is None:
            process.add(4, "end", "weight", 0)
            process.end(4)
        else:
            process.stopped(until)
        return {} if until is None else {"status": "stopped"}

    return write


def early_end(writing, first, second):
    """Whether the second trial ends early, whether the judge says then that it diverged, and the two traces."""
    folder = Path(tempfile.mkdtemp())
    try:
        verdict = writing.judged(folder, [first, second]).verdict
        own, other = (next(folder.glob(f"trials/{number}/processes/*")) for number in ("002", "001"))
        return diverges(own, other), verdict == "diverged", (read_process(own), read_process(other))
    finally:
        shutil.rmtree(folder)


@SETTINGS
@given(rows, edits, st.integers(1, 3), st.sampled_from([None, 3]))
def test_a_trial_ends_early_if_the_judge_sees_a_divergence_that_stays(writing, observed, changes, made, until):
    second = edited(observed, changes)
    first = written(writing, observed, until=until)
    is_over, has_diverged, _traces = early_end(writing, first, written(writing, second, until=made))
    if is_over:
        assert has_diverged
        for longer in (3, None):
            assert early_end(writing, first, written(writing, second, until=longer))[1]


SEVERAL = {
    "networks": [{"event": "model", "label": ""}, {"event": "model", "label": "model#2."}],
    "threads": [{"event": "not-observed", "point": "training in another thread"}],
    "a pool": [{"event": "pooled"}],
}


@pytest.mark.parametrize("events", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize("later", [False, True], ids=["already", "only the reference has seen it"])
def test_what_is_compared_as_a_whole_has_not_diverged_for_certain(reference, tmp_path, events, later):
    """Later steps may show that networks came in a different order, for example."""
    second = changed(recorded(tmp_path / "second"), 4, "fingerprint", other_value)
    first = shutil.copytree(reference, tmp_path / "first")
    assert diverges(second, first)
    ((first if later else second) / wire.EVENTS).write_text("".join(json.dumps(event) + "\n" for event in events))
    assert not diverges(second, first)
