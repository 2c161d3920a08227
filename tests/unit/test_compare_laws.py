"""Laws of comparing, on traces that Hypothesis makes up."""

import itertools
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from samebits.comparison import judge
from samebits.comparison.traces import differences
from samebits.model import Result
from samebits.store import open_record
from samebits_probe import wire

SETTINGS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JUDGED = ("start", "batch", "forward", "gradient", "update", "end")

names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
observations = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(JUDGED), names, st.integers(0, 2)), min_size=1, max_size=25
)


def trace(rows):
    """A function for `Writing.record`: these rows, at their steps, in the order of steps."""

    def write(writing):
        def trial(folder, number):
            process = writing.process(folder)
            process.recorder.event("observed-by", how="observe")
            for step, kind, name, value in sorted(rows, key=lambda row: row[0]):
                process.add(step, kind, name, value)
            process.end(4)

        return trial

    return write


WEIGHTS = (0, "update", "weights", 0)  # what a program names is enough only if weights are among it


def verdict(writing, traces, **fields):
    folder = Path(tempfile.mkdtemp())
    try:
        return writing.judged(folder, [rows(writing) for rows in traces], **fields)
    finally:
        shutil.rmtree(folder)


@SETTINGS
@given(observations)
def test_a_trace_equals_itself(writing, rows):
    result = verdict(writing, [trace([*rows, WEIGHTS])] * 3)
    assert (result.verdict, result.groups, result.divergence) == ("repeated", [[1, 2, 3]], None)


@SETTINGS
@given(observations, st.data())
def test_changing_one_observation_finds_exactly_that_point(writing, rows, data):
    at = data.draw(st.integers(0, len(rows) - 1))
    step, kind, name, value = rows[at]
    result = verdict(writing, [trace(rows), trace([*rows[:at], (step, kind, name, value + 10), *rows[at + 1 :]])])
    where = result.divergence
    assert (where.step, where.kind, where.name) == (step, kind, name)
    assert where.details == []


@SETTINGS
@given(observations, st.data())
def test_leaving_one_observation_out_is_seen(writing, rows, data):
    at = data.draw(st.integers(0, len(rows) - 1))
    assume(len(rows) > 1)
    where = verdict(writing, [trace(rows), trace(rows[:at] + rows[at + 1 :])]).divergence
    assert where is not None
    assert where.step == rows[at][0]


@SETTINGS
@given(st.lists(st.integers(0, 2), min_size=2, max_size=6), st.randoms())
def test_groups_do_not_depend_on_the_order_of_trials(writing, values, chance):
    traces = [trace([(0, "update", "w", value)]) for value in values]
    order = list(range(len(values)))
    chance.shuffle(order)
    groups = verdict(writing, traces).groups
    shuffled = verdict(writing, [traces[number] for number in order]).groups
    back = sorted(sorted(order[number - 1] + 1 for number in group) for group in shuffled)
    assert back == groups
    expected = [sorted(n + 1 for n, v in enumerate(values) if v == value) for value in set(values)]
    assert groups == sorted(expected)


@SETTINGS
@given(observations, st.data())
def test_the_order_in_which_points_are_numbered_does_not_matter(writing, rows, data):
    unique = list({row[:3]: row for row in [*rows, WEIGHTS]}.values())
    other = data.draw(st.permutations(unique))
    assert verdict(writing, [trace(unique), trace(other)]).verdict == "repeated"


def place(row):
    """What makes two observations the same one: step, kind, name, and the how-many-eth of these."""
    return row[:3]


def numbered(rows):
    seen, found = {}, {}
    for row in sorted(rows, key=lambda row: row[0]):
        seen[place(row)] = seen.get(place(row), -1) + 1
        found[(*place(row), seen[place(row)])] = row[3]
    return found


@SETTINGS
@given(observations, observations, st.integers(1, 5))
def test_joining_in_blocks_finds_what_a_dictionary_finds(writing, rows, others, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differences, "_ROWS", block)
        where = verdict(writing, [trace(rows), trace(others)]).divergence
    a, b = numbered(rows), numbered(others)
    different = {point for point in a.keys() | b.keys() if a.get(point) != b.get(point)}
    if not different:
        assert where is None
        return
    first = min(point[0] for point in different)
    values = {point[1] for point in different if point[0] == first and point in a and point in b}
    assert where.step == first
    assert where.kind == (min(values, key=wire.CODE.__getitem__) if values else "structure")


STATUSES = ("failed", "killed", "timeout", "unwatched")


@SETTINGS
@given(st.sampled_from(STATUSES), st.integers(0, 2), st.integers(3, 4), st.sampled_from([None, 3]))
def test_a_failed_trial_never_yields_repeated(writing, status, at, trials, steps):
    usual = [writing.training() for _ in range(trials)]
    usual[at] = writing.training(trial={"status": status, "exit_code": 1})
    result = verdict(writing, [lambda w, t=trial: t for trial in usual], options={"steps": steps})
    assert result.verdict == "inconclusive"


@SETTINGS
@given(observations, observations)
def test_the_result_reads_back_as_it_was_written(writing, rows, others):
    result = verdict(writing, [trace(rows), trace(others)])
    assert Result.model_validate_json(result.model_dump_json()) == result


@SETTINGS
@given(observations, observations)
def test_a_difference_is_the_same_from_both_sides(writing, rows, others):
    one, two = (verdict(writing, pair) for pair in itertools.permutations([trace(rows), trace(others)]))
    assert one.verdict == two.verdict
    if one.divergence:
        assert (one.divergence.step, one.divergence.kind) == (two.divergence.step, two.divergence.kind)


def test_a_million_observations_are_compared_in_a_fraction_of_a_second():
    """The bar is five million a second on an idle machine; a busy one gets five times as long."""
    import time

    import numpy as np

    from samebits.comparison.traces.differences import difference
    from samebits.store.trace import ROW_TYPE, Point, ProcessTrace

    count = 1_000_000
    records = np.zeros(count, ROW_TYPE)
    records["step"] = np.arange(count) // 100
    records["point"], records["kind"] = np.arange(count) % 100, wire.CODE["update"]
    points = [Point("update", str(number)) for number in range(100)]
    end = {"steps": count // 100}
    traces = [ProcessTrace({}, points, records.copy(), records[:0], end=end) for _ in range(2)]
    began = time.process_time()
    assert difference(*traces).equal
    assert time.process_time() - began < 1


def test_a_record_is_judged_without_being_changed(writing, tmp_path):
    record = open_record(writing.record(tmp_path, [writing.training()] * 2))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    judge(record.file, record.trials)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
