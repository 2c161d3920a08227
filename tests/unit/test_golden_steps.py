"""The lines of a golden file: they follow the values of a trace, and not its names."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from samebits.golden.steps import COLUMNS, process_table
from samebits.store.trace import ROW_TYPE, SCALAR_TYPE, Point, ProcessTrace
from samebits_probe import wire

POINTS = [Point(kind, f"{kind}.w", "float32", (2,)) for kind in (*COLUMNS, "end", "rng")]
ROWS = some.lists(
    some.tuples(some.integers(-1, 4), some.integers(0, len(POINTS) - 1), some.binary(min_size=16, max_size=16))
)


def trace(rows, points=POINTS, **more):
    table = [
        (step, point, wire.CODE[points[point].kind], 0, 0, value)
        for step, point, value in sorted(rows, key=lambda row: row[0])
    ]
    facts = {"argv": ["python"], "pid": 1}
    scalars = np.zeros(0, SCALAR_TYPE)
    return ProcessTrace(facts, points, np.array(table, ROW_TYPE), scalars, end={"steps": 5}, **more)


def lines(one, ignores=()):
    return process_table(one, ignores, is_whole=True)


@given(ROWS)
def test_a_layer_with_a_new_name_has_the_same_lines(rows):
    renamed = [point._replace(name=f"new.{number}") for number, point in enumerate(POINTS)]
    assert lines(trace(rows)) == lines(trace(rows, renamed))


@given(ROWS, some.data())
def test_one_changed_value_changes_its_column_and_everything_after_it(rows, data):
    rows = sorted(rows, key=lambda row: row[0])
    counted = [place for place, row in enumerate(rows) if POINTS[row[1]].kind in COLUMNS]
    if not counted:
        assert lines(trace(rows)).lines == []
        return
    place = data.draw(some.sampled_from(counted))
    step, point, value = rows[place]
    changed = [*rows[:place], (step, point, bytes([value[0] ^ 1]) + value[1:]), *rows[place + 1 :]]
    old, new = lines(trace(rows)), lines(trace(changed))
    column = COLUMNS.index(POINTS[point].kind)
    assert [line.step for line in old.lines] == [line.step for line in new.lines]
    for one, other in zip(old.lines, new.lines, strict=True):
        differs = [a != b for a, b in zip(one.prints, other.prints, strict=True)]
        seen = [text != "-" for text in one.prints]
        expected = [one.step > step or (one.step == step and at >= column) for at in range(len(COLUMNS))]
        assert differs == [is_late and is_seen for is_late, is_seen in zip(expected, seen, strict=True)]
    assert old.last != new.last
    assert old.end == new.end


def test_what_is_ignored_and_a_step_that_was_cut_short_do_not_count():
    rows = [(0, 4, b"a" * 16), (1, 4, b"b" * 16), (1, 5, b"c" * 16)]
    assert lines(trace(rows), ["update update.w"]).lines == []
    assert lines(trace(rows)).end != ""
    stopped = replace(trace(rows), end=None, stopped={"steps": 1})
    assert [line.step for line in process_table(stopped, (), is_whole=False).lines] == [0]
    assert lines(trace([])).lines == []
