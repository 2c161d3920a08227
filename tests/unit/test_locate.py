"""What locate concludes from what trials executed: pure parts."""

import json
import math

import numpy as np
import pytest

from samebits.comparison import relative_distance, update_looks
from samebits.documents import DifferingArgument
from samebits.localization import not_inside, path, phrases
from samebits.localization.inspection import Execution, InspectedTrials, diverging_in
from samebits.localization.path import Way
from samebits.model import Divergence, ProcessKey
from samebits.store import open_record
from samebits_probe import wire


def line(name, outputs, inputs=("in",), **fields):
    shown = [["float32", [1], output, None] for output in outputs]
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
        return Execution(None, folder)

    return make


def test_the_first_executed_is_named_where_inputs_agree_and_outputs_do_not(trial):
    a = trial(line("aten::mm", ["1"]), line("aten::index_put", ["2"], ["1"]), line("aten::add", ["3"], ["2"]))
    b = trial(line("aten::mm", ["1"]), line("aten::index_put", ["8"], ["1"]), line("aten::add", ["9"], ["8"]))
    first = path.earliest([a, b], what=("operator",))
    assert (first.at, first.entry.key.name, first.inputs_equal) == (1, "aten::index_put", True)


def test_trials_that_executed_the_same_have_no_first_difference(trial):
    assert path.earliest([trial(line("aten::mm", ["1"])) for _ in range(3)], what=("operator",)) is None


def test_the_earliest_of_all_pairs_counts(trial):
    a, b, c = (
        trial(line("aten::mm", [x]), line("aten::add", [y], [x])) for x, y in (("1", "2"), ("1", "3"), ("7", "8"))
    )
    assert path.earliest([a, b, c], what=("operator",)).entry.key.name == "aten::mm"


def test_an_operator_that_only_one_trial_ran_is_the_first_difference(trial):
    a = trial(line("aten::mm", ["1"]), line("aten::add", ["3"]))
    b = trial(line("aten::mm", ["1"]), line("aten::mul", ["4"]), line("aten::add", ["3"]))
    first = path.earliest([a, b], what=("operator",))
    assert isinstance(first, path.Unlike)
    assert (first.entry.key.name, first.other.key.name, first.matters) == ("aten::add", "aten::mul", False)


def test_what_was_done_differently_is_the_cause_of_what_is_given_other_inputs(trial):
    a = trial(line("aten::t", ["t"], ["w"]), line("aten::mm", ["1"], ["x"]), line("aten::add", ["2"], ["1"]))
    b = trial(line("aten::t", ["t"], ["w"]), line("aten::add", ["3"], ["x"]))
    first = path.earliest([a, b], what=("operator",))
    assert phrases.unlike_words(first) == "one trial runs aten::mm, the other runs aten::add"
    assert first.matters


def test_an_operator_that_was_given_the_same_is_named_though_something_else_was_done_before(trial):
    a = trial(line("aten::item", []), line("aten::index_put", ["1"], ["x"]))
    b = trial(line("aten::index_put", ["2"], ["x"]))
    first = path.earliest([a, b], what=("operator",))
    assert (first.entry.key.name, first.unlike.entry.key.name) == ("aten::index_put", "aten::item")


def test_a_random_operator_after_something_else_was_done_is_not_blamed(trial):
    a = trial(line("aten::rand", ["0"], ["x"], random=True), line("aten::relu", ["2"], ["x"]))
    b = trial(line("aten::rand", ["0"], ["x"], random=True), line("aten::rand", ["1"], ["x"], random=True))
    c = trial(line("aten::relu", ["2"], ["x"]), line("aten::rand", ["5"], ["x"], random=True))
    assert isinstance(path.earliest([a, b], what=("operator",)), path.Unlike)
    assert isinstance(path.earliest([a, c], what=("operator",)), path.Unlike)


def test_another_number_is_what_differs_and_no_operator_is_blamed(trial):
    a, b = (trial(line("aten::mul", [out], given={"other": x})) for out, x in (("1", "1.03"), ("2", "0.97")))
    first = path.earliest([a, b], what=("operator",))
    assert (first.given, first.inputs_equal) == ([("other", "1.03", "0.97")], False)
    operator = phrases.executed(first)
    places = phrases.path(FORWARD, None, operator)
    said = "They diverge at step 3 > forward: aten::mul is given a different number: 1.03 against 0.97 (other)."
    assert phrases.sentence(FORWARD, places, operator) == said
    assert [place.level for place in places] == ["step", "phase", "given"]


def test_another_number_that_changes_nothing_is_passed_over(trial):
    a = trial(line("aten::clamp", ["1"], given={"max": "9.5"}), line("aten::index_put", ["2"], ["1"]))
    b = trial(line("aten::clamp", ["1"], given={"max": "9.6"}), line("aten::index_put", ["3"], ["1"]))
    assert path.earliest([a, b], what=("operator",)).entry.key.name == "aten::index_put"


def test_numbers_are_shown_with_as_many_digits_as_tell_them_apart():
    def shown(one, other):
        return phrases.against(DifferingArgument(name="x", one=one, other=other))

    assert shown("0.9784870382133508", "0.9284561650653794") == "0.9785 against 0.9285"
    assert shown("0.9784870382133508", "0.9784870382133509") == "0.9784870382133508 against 0.9784870382133509"
    assert shown("0.1", "nan") == "0.1 against nan"
    assert shown("[" + "1, " * 50 + "2]", "[" + "1, " * 50 + "3]").endswith(" 1, 2] against ..., 1, 1, 1, 1, 1, 1, 3]")


def test_views_of_uninitialised_memory_that_is_written_before_it_is_read_are_not_the_cause(trial):
    def run(garbage, out):
        empty = line("aten::empty", [garbage], [], unset=True)
        view = line("aten::select", [garbage + "v"], [garbage], view=True, given={"index": "0"})
        return trial(empty, view, line("aten::copy_", ["c"], ["x"]), line("aten::index_put", [out], ["c"]))

    first = path.earliest([run("1", "8"), run("2", "9")], what=("operator",))
    assert (first.entry.key.name, first.reads) == ("aten::index_put", None)
    assert len(path.groups([run("1", "8"), run("2", "8")])) == 1


def test_a_view_of_memory_of_which_a_part_is_written_is_passed_over(trial):
    a, b = (
        trial(line("aten::select", [x + "v"], [x], view=True), line("aten::add", [x + "a"], [x + "v"])) for x in "12"
    )
    first = path.earliest([a, b], what=("operator",))
    assert (first.entry.key.name, first.inputs_equal) == ("aten::add", False)


def test_uninitialised_memory_that_is_read_through_a_view_is_traced_to_its_operator(trial):
    def run(garbage):
        empty, view = line("aten::empty", [garbage], [], unset=True), garbage + "v"
        return trial(empty, line("aten::select", [view], [garbage], view=True), line("aten::add", [view + "a"], [view]))

    first = path.earliest([run("1"), run("2")], what=("operator",))
    operator = phrases.executed(first)
    said = "They diverge at step 3 > forward: aten::add reads memory that aten::empty left uninitialised."
    assert phrases.sentence(FORWARD, phrases.path(FORWARD, None, operator), operator) == said


@pytest.mark.parametrize(
    ("inputs", "said"), [([], "reads a different value of its variable"), (None, "not all of its inputs were seen")]
)
def test_of_what_is_not_seen_of_the_inputs_nothing_is_claimed(trial, inputs, said):
    name = "ReadVariableOp" if inputs == [] else "MatMul"
    a, b = (trial({**line(name, [out]), "inputs": inputs} if inputs is not None else hidden(name, out)) for out in "12")
    operator = phrases.executed(path.earliest([a, b], what=("operator",)))
    assert said in phrases.path(FORWARD, None, operator)[-1].detail


def hidden(name, out):
    return {key: value for key, value in line(name, [out]).items() if key != "inputs"}


def test_inputs_that_no_operator_has_made_are_said_in_the_sentence(trial):
    a, b = (trial(line("aten::add", [out], [x])) for out, x in (("1", "p"), ("2", "q")))
    operator = phrases.executed(path.earliest([a, b], what=("operator",)))
    said = phrases.sentence(FORWARD, phrases.path(FORWARD, None, operator), operator)
    assert said.endswith(": aten::add got different inputs, which no operator of the step produced.")


def where(kind, name, step=3):
    return Divergence(kind=kind, name=name, step=step, trials=[2], process=ProcessKey(order=0, argv=["train.py"]))


FORWARD = where("forward", "output")


@pytest.mark.parametrize("name", ["param_groups.0/lr", "Adam.param_groups.1", "param_groups.0"])
def test_a_setting_of_an_optimizer_belongs_to_no_module(name):
    shown = [(place.level, place.name) for place in phrases.path(where("update", name), None, None)]
    assert shown == [("step", "step 3"), ("phase", "update"), ("tensor", name)]
    assert phrases.path(where("update", "net.param_groups.weight"), None, None)[2].name == "net.param_groups"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("start", "They diverge before step 0 > 0.weight."),
        ("rng", "They diverge at step 3 > random states > 0.weight."),
        ("batch", "They diverge at step 3 > what the model is fed > 0.weight."),
        ("end", "They diverge after the last step > 0.weight."),
    ],
)
def test_what_lies_outside_of_the_model_has_no_module(kind, said):
    way = Way(where(kind, "0.weight", -1 if kind == "start" else 3))
    assert way.sentence() == said
    assert "module" not in [place.level for place in way.path()]


def looked(*trials, divergence=FORWARD):
    return InspectedTrials(3, list(trials), divergence, [])


def module(name, output, **fields):
    made = {**line(name, [output], **fields), "what": "module"}
    del made["inputs"]
    return made


def test_trials_that_called_other_modules_are_shown_as_a_diff_and_no_operator_is_named(trial):
    def run(block, output):
        inside = {"module": block, "code": "net.py:8"}
        t = line("aten::t", ["t" + block], [block], view=True, **inside)
        return trial(
            t, line("aten::mm", [output], ["x"], **inside), module(block, output), module("head", output + "h")
        )

    way, notes = path.of_operators(Way(FORWARD), looked(run("blocks.1", "1"), run("blocks.2", "2")))
    said = "They did different things at step 3 > forward: one trial calls blocks.1, the other calls blocks.2."
    assert way.sentence() == said
    assert way.operator is None
    assert way.diff[:2] == ["- forward  module blocks.1", "+ forward  module blocks.2"]
    assert notes[-1] == path.SIDES


def test_the_way_is_that_of_one_look_where_two_do_not_agree(trial):
    before = path.of_modules(
        FORWARD, [trial(module("a", "1"), module("b", "3")), trial(module("a", "2"), module("b", "4"))]
    )
    assert before.module.name == "a"
    trials = [trial(module("a", "1"), line("aten::mm", [out], module="b"), module("b", out)) for out in ("3", "4")]
    way, notes = path.of_operators(before, looked(*trials))
    assert [place.name for place in way.path()] == ["step 3", "forward", "b", "aten::mm"]
    assert notes == [
        "The two inspections, which ran different trials, do not agree. Modules: the output of a diverged first. Operators: "
        "the output of b diverged first."
    ]


def test_operators_of_trials_that_parted_elsewhere_are_not_put_into_the_way(trial):
    trials = [trial(line("aten::mm", [out], ["x"])) for out in ("3", "4")]
    way, notes = path.of_operators(Way(FORWARD), looked(*trials, divergence=where("batch", "0")))
    assert way == Way(FORWARD)
    assert notes[0].startswith("The trials in which operators were traced diverged at step 3 > batch > 0")


def test_a_difference_in_what_was_done_is_shown_as_a_diff():
    assert path.diff_lines(list("abcde"), list("abXde")) == ["  a", "  b", "- c", "+ X", "  d", "  e"]
    assert path.diff_lines(list("abc"), list("abc")) == []
    assert path.diff_lines(list("ab"), list("abc")) == ["  a", "  b", "+ c"]


def test_a_common_factor_of_the_step_is_found_behind_the_weights():
    draw = np.random.default_rng(0)
    before = draw.normal(size=500).astype("f4")
    step = draw.normal(size=500).astype("f4") * np.float32(1e-3)
    a, b = before + step, before + np.float32(0.744) * step
    said = update_looks(before.tobytes(), (a.tobytes(), b.tobytes()), "float32")
    assert said.startswith(
        "like a different computation: the steps of the two trials differ by one common factor of 0.74"
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


def moved(step, value):
    return {(step, "update", "fc.weight"): value}


@pytest.mark.parametrize(
    ("step", "alike", "where"),
    [
        (0, [1, 2, 3, 4, 5], 0),  # trial 2 leaves the others
        (1, [1, 3, 4, 5], 1),  # trial 3 does, and trial 2 has gone before
        (2, [1, 4, 5], 2),
        (3, [1, 2, 3, 4, 5], 0),  # none diverges there: all of them, and where they diverge
    ],
)
def test_of_a_step_those_trials_tell_that_agreed_until_then(writing, tmp_path, step, alike, where):
    changes = [{}, moved(0, "a"), moved(1, "b"), moved(2, "c"), {}]
    record = open_record(writing.record(tmp_path, [writing.training(each, steps=4) for each in changes]))
    kept, divergence = diverging_in(step, record.file, [Execution(one, None) for one in record.trials])
    assert [seen.trial.id for seen in kept] == alike
    assert divergence.step == where


def test_a_trial_that_parted_alone_is_left_out_though_the_others_are_compared_with_it(writing, tmp_path):
    changes = [moved(0, "a"), moved(2, "b"), {}]
    record = open_record(writing.record(tmp_path, [writing.training(each, steps=4) for each in changes]))
    kept, divergence = diverging_in(2, record.file, [Execution(one, None) for one in record.trials])
    assert [seen.trial.id for seen in kept] == [2, 3]
    assert divergence.step == 2


def test_steps_are_called_equal_only_if_there_were_any():
    assert not_inside("end", 3) == "All steps have the same bits: the difference arose after the last one."
    assert not_inside("end", 0).startswith("samebits saw no step of this program")
