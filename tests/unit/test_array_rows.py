"""Arrays that are hashed in one pass are recorded as each would be alone, and only if they are what they were."""

import threading

import numpy as np
import pytest
import xxhash._xxhash

from samebits_probe import wire
from samebits_probe.probe import Probe
from samebits_probe.watchers.points import ArrayRows, Points


@pytest.fixture(params=["xxh3", "blake2b"])
def points(request, tmp_path, monkeypatch):
    """Points of a probe, of which no exit function stays behind."""
    monkeypatch.setattr("samebits_probe.probe.stay_registered", lambda function: None)
    config = {"format": wire.FORMAT, "folder": str(tmp_path), "hash": request.param,
              "xxhash": xxhash._xxhash.__file__, "stop_after": None}  # fmt: skip
    return Points(Probe(config))


def the_arrays(seed):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(5, 7)).astype("f4"), draw.integers(9, size=3), np.float32(draw.normal()).reshape(()),
            np.empty((0, 4)), np.array([True, False])]  # fmt: skip


NAMES = ["kernel", "steps", "rate", "nothing", "mask"]


def recorded(points, record):
    """The records that a step leaves, when `record` has been called in it."""
    points.probe.begin()
    before = len(points.probe.recorder._trace)
    record()
    found = b"".join(points.probe.recorder._trace[before:])
    points.probe.end_step()
    return [wire.ROW.unpack_from(found, start)[1:] for start in range(0, len(found), wire.ROW.size)]


def one_by_one(points, names, arrays):
    for name, array in zip(names, arrays, strict=True):
        points.array("update", name, array)


def both(points, rows, names, arrays):
    """Whether rows record what is recorded one by one."""
    together = recorded(points, lambda: rows.record(names, arrays))
    assert together == recorded(points, lambda: one_by_one(points, names, arrays))
    return together


def test_arrays_in_rows_are_recorded_as_each_alone(points):
    rows = ArrayRows(points, "update")
    found = [both(points, rows, NAMES, the_arrays(seed)) for seed in range(4)]
    assert len({tuple(step) for step in found}) == 4


def test_points_that_were_recorded_before_in_the_step_are_counted(points):
    rows, arrays = ArrayRows(points, "update"), the_arrays(1)
    both(points, rows, NAMES, arrays)
    twice = recorded(points, lambda: [rows.record(NAMES, arrays) for _ in range(2)])
    assert [occurrence for _, _, _, occurrence, _ in twice] == [0] * 5 + [1] * 5


@pytest.mark.parametrize("changed", [
    np.ones((5, 7), "f8"), np.ones((7, 5), "f4"), np.asfortranarray(np.arange(35, dtype="f4").reshape(5, 7)),
    np.array([["a"] * 7] * 5, dtype=object), np.arange(35, dtype=">f4").reshape(5, 7),
], ids=["dtype", "shape", "order", "objects", "bytes"])  # fmt: skip
def test_an_array_that_is_not_what_it_was_is_recorded_as_it_is_now(points, changed):
    rows = ArrayRows(points, "update")
    for seed in range(3):
        both(points, rows, NAMES, the_arrays(seed))
        both(points, rows, NAMES, [changed, *the_arrays(seed)[1:]])
    both(points, rows, [*NAMES[1:], "kernel"], [*the_arrays(3)[1:], the_arrays(3)[0]])
    both(points, rows, NAMES[:2], the_arrays(3)[:2])


def test_a_name_that_stands_twice_has_two_occurrences(points):
    rows, arrays = ArrayRows(points, "update"), [np.ones(3), np.zeros(3)]
    for _ in range(3):
        assert [row[3] for row in both(points, rows, ["same", "same"], arrays)] == [0, 1]


def test_what_is_kept_for_a_key_keeps_nothing_of_other_threads_or_later_steps(points):
    """Threads may end a step, or observe, while a value is recorded under a key: a trial must not depend on that."""
    probe = points.probe
    probe._thin = {"after": 1, "every": 100}
    number = probe.point("update", "weight")

    def steps():
        probe.end_step()
        probe.add(number, b"0" * 16)

    probe.keeping.add(threading.get_ident())
    other = threading.Thread(target=steps)
    other.start()
    other.join()
    probe.keeping.clear()
    probe.add(number, b"1" * 16)
    assert [point for point, _ in probe._digests._found[wire.CODE["update"], ""]] == [number, number]
