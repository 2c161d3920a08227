"""What locate concludes from what trials executed: pure parts."""

import json
import math

import numpy as np
import pytest

from samebits.compare import relative_distance, update_looks
from samebits.locate import aligning, comparing
from samebits.locate.seen import Seen
from samebits_probe import wire


def line(name, outputs, inputs=("in",), **fields):
    shown = [["float32", [1], output, None, None] for output in outputs]
    return {"phase": "forward", "what": "operator", "name": name, "outputs": shown, "inputs": list(inputs), **fields}


@pytest.fixture
def trial(tmp_path):
    """Function(lines) -> a Seen that executed them."""
    made = []

    def make(*lines):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        (folder / wire.DETAILS).write_text("".join(json.dumps(one) + "\n" for one in lines))
        made.append(folder)
        return Seen(None, folder)

    return make


def test_the_first_executed_is_named_where_inputs_agree_and_outputs_do_not(trial):
    a = trial(line("aten::mm", ["1"]), line("aten::index_put", ["2"], ["1"]), line("aten::add", ["3"], ["2"]))
    b = trial(line("aten::mm", ["1"]), line("aten::index_put", ["8"], ["1"]), line("aten::add", ["9"], ["8"]))
    first = comparing.earliest([a, b], what=("operator",))
    assert (first.at, first.entry.key.name, first.inputs_equal) == (1, "aten::index_put", True)


def test_trials_that_executed_the_same_have_no_first_difference(trial):
    assert comparing.earliest([trial(line("aten::mm", ["1"])) for _ in range(3)], what=("operator",)) is None


def test_the_earliest_of_all_pairs_counts(trial):
    a, b, c = (
        trial(line("aten::mm", [x]), line("aten::add", [y], [x])) for x, y in (("1", "2"), ("1", "3"), ("7", "8"))
    )
    assert comparing.earliest([a, b, c], what=("operator",)).entry.key.name == "aten::mm"


def test_memory_that_was_left_uninitialised_is_the_cause_of_what_reads_it(trial):
    a = trial(line("aten::empty", ["1"], [], unset=True), line("aten::add", ["2"], ["1"]))
    b = trial(line("aten::empty", ["5"], [], unset=True), line("aten::add", ["6"], ["5"]))
    first = comparing.earliest([a, b], what=("operator",))
    assert (first.entry.key.name, first.reads.key.name) == ("aten::empty", "aten::add")


def test_an_operator_that_only_one_trial_ran_is_the_first_difference(trial):
    a = trial(line("aten::mm", ["1"]), line("aten::add", ["3"]))
    b = trial(line("aten::mm", ["1"]), line("aten::mul", ["4"]), line("aten::add", ["3"]))
    first = comparing.earliest([a, b], what=("operator",))
    assert (first.entry.key.name, first.other) == ("aten::mul", None)


def test_a_difference_in_what_was_done_is_shown_as_a_diff():
    assert aligning.diff(list("abcde"), list("abXde")) == ["  a", "  b", "- c", "+ X", "  d", "  e"]
    assert aligning.diff(list("abc"), list("abc")) == []
    assert aligning.diff(list("ab"), list("abc")) == ["  a", "  b", "+ c"]


def test_a_common_factor_of_the_step_is_found_behind_the_weights():
    draw = np.random.default_rng(0)
    before = draw.normal(size=500).astype("f4")
    step = draw.normal(size=500).astype("f4") * np.float32(1e-3)
    a, b = before + step, before + np.float32(0.744) * step
    said = update_looks(before.tobytes(), (a.tobytes(), b.tobytes()), "float32")
    assert said.startswith(
        "like a different computation: the step of one is the other's times one common factor of 0.74"
    )
    rounded = np.nextafter(a, np.float32(9))
    assert update_looks(before.tobytes(), (a.tobytes(), rounded.tobytes()), "float32") == ""
    other = before + draw.normal(size=500).astype("f4") * np.float32(1e-3)
    assert update_looks(before.tobytes(), (a.tobytes(), other.tobytes()), "float32") == ""


def test_relative_distance_is_that_of_the_norms():
    a, b = np.array([3.0, 4.0]), np.array([3.0, 5.0])
    assert relative_distance(a.tobytes(), b.tobytes(), "float64") == pytest.approx(0.2)
    assert relative_distance(b"\1", b"\2", "int8") is None


def test_relative_distance_of_single_precision_by_its_full_name():
    a, b = np.array([3.0, 4.0], np.float32), np.array([3.0, 4.5], np.float32)
    assert math.isclose(relative_distance(a.tobytes(), b.tobytes(), "torch.float32"), 0.1)
    assert relative_distance(a.tobytes(), b.tobytes(), "int32") is None
    assert relative_distance((a * 0).tobytes(), b.tobytes(), "float32") is None


def test_relative_distance_of_a_norm_that_no_float_can_hold_is_none():
    a, b = np.full(2, 1e200), np.full(2, 2e200)
    assert relative_distance(a.tobytes(), b.tobytes(), "float64") is None
