"""Where trials diverge: kinds, order, processes, prefixes, random states."""

from types import SimpleNamespace

import pytest

from samebits.comparison.traces.processes import AlignedTrial
from samebits.comparison.verdict import divergence
from samebits.comparison.verdict.divergence import find_divergence
from samebits.comparison.verdict.groups import Comparison, PairDifference
from samebits.model import SavedFile
from samebits.reports.result_words import path
from samebits.store import open_record
from samebits_probe import wire


@pytest.fixture
def parted(writing, tmp_path):
    """Function(changes, ...) -> the divergence between a usual training and one with the changes."""

    def judge(changes=None, usual=None, **how):
        result = writing.judged(tmp_path, [usual or writing.training(), writing.training(changes, **how)])
        assert result.verdict == "diverged", result.reason
        return result.divergence

    return judge


def place(where):
    return where.step, where.kind, where.name


def test_a_tensor_of_one_dimension_is_called_a_vector():
    bias = SimpleNamespace(point=SimpleNamespace(dtype="float32", shape=(8,)))
    assert divergence._tensor(bias) == "float32 vector of 8"


@pytest.mark.parametrize(
    ("passes", "saved", "within", "sentence"),
    [
        ([0, 1], [], {"epoch": 2, "step": 2}, "at step 2, the 2nd step of the 2nd epoch ("),
        ([0], [1, 2, 3], {"checkpoint": 2}, "at step 2, after the checkpoint of step 2 ("),
        ([], [], {}, "at step 2 ("),
    ],
)
def test_a_step_is_told_with_its_epoch_and_the_last_checkpoint(writing, tmp_path, passes, saved, within, sentence):
    events = [{"event": "pass", "step": step} for step in (*passes, 3)]
    events += [{"event": "wrote", "path": "a.pt"}, *({"event": "wrote", "path": "b", "step": step} for step in saved)]
    changed = writing.training({(2, "forward", "loss"): 5}, events=events)
    result = writing.judged(tmp_path, [writing.training(events=events), changed])
    assert result.divergence.within == within
    assert sentence in result.sentence


@pytest.mark.parametrize(
    ("passes", "within", "told"),
    [
        ([0, 2], {"evaluation": 1}, "the evaluation after the 1st epoch, after the checkpoint of step 1"),
        ([0, 1], {"epoch": 2, "step": 2}, "the 2nd step of the 2nd epoch, after the checkpoint of step 1"),
        ([2], {}, "after the checkpoint of step 1"),
    ],
)
def test_an_evaluation_between_two_epochs_is_told(writing, tmp_path, passes, within, told):
    """It belongs to the next step, which is the first of the next epoch. Here its difference reaches that step.

    A file of step 2 may have been saved after the evaluation.
    """
    events = [{"event": "observed-by", "how": "optimizer"}, *({"event": "pass", "step": step} for step in passes)]
    events += [{"event": "wrote", "path": "a.pt", "step": step} for step in (1, 2)]

    def evaluating(value):
        rows = [(step, "forward", "loss", step) for step in range(2)] + [(2, "forward", "evaluation/fc", value)]
        rows += [(2, "forward", "loss", 2), (2, "update", "fc.weight", value)]
        return writing.observing([*rows, (3, "end", "fc.weight", value)], 3, how="", events=events)

    where = writing.judged(tmp_path, [evaluating(1), evaluating(2)]).divergence
    assert (place(where), where.within) == ((2, "forward", "evaluation/fc"), {"checkpoint": 1, **within})
    assert path(where)[0] == f"step 2 ({told})"


@pytest.mark.parametrize(
    ("point", "cell"), [((-1, "start", "fc.bias"), None), ((1, "forward", "loss"), 2), ((3, "end", "fc.bias"), None)]
)
def test_a_step_of_a_notebook_is_told_with_its_cell(parted, writing, point, cell):
    events = [{"event": "cell-runs", "step": step, "number": number} for step, number in ((0, 1), (0, 2), (2, 3))]
    within = parted({point: "another"}, usual=writing.training(events=events), events=events).within
    assert within == ({"cell": cell} if cell else {})


@pytest.mark.parametrize(
    ("lines", "line", "sentence"),
    [
        ([(2, 5)], {"line": 5}, "in line 5 of the cell In [2]"),
        ([(1, 7)], {}, "at step 1, in the cell In [2]"),
        ([(2, 5), (2, 6)], {}, "at step 1, in the cell In [2]"),
    ],
)
def test_the_line_of_a_cell_is_told_if_it_alone_made_steps(writing, tmp_path, lines, line, sentence):
    events = [{"event": "cell-runs", "step": 0, "number": number} for number in (1, 2)]
    events += [{"event": "cell-line", "number": number, "line": line} for number, line in lines]
    changed = writing.training({(1, "forward", "loss"): 5}, events=events)
    result = writing.judged(tmp_path, [writing.training(events=events), changed])
    assert result.divergence.within == {"cell": 2, **line}
    assert sentence in result.sentence
    assert path(result.divergence)[0] == ("In [2], line 5" if line else "In [2]")


def test_the_values_of_a_loss_are_told(parted):
    where = parted({(0, "forward", "loss"): 5}, losses={0: 1.5})
    assert where.detail == "float32 2 x 3; 2 different values in 2 trials; 1.0 in trial 1, 1.5 in trial 2"


def test_equal_first_values_under_other_names_differ_at_the_first_name(parted, writing):
    """As where a training calls its models in an order that it draws: names go by the first call."""
    training = writing.training({(-1, "start", "fc.weight"): "one", (-1, "start", "fc.bias"): "other"})
    where = parted({(-1, "start", "fc.weight"): "other", (-1, "start", "fc.bias"): "one"}, usual=training)
    assert place(where) == (-1, "start", "fc.weight")


OTHER_STATE = {(step, "rng", "numpy"): "other" for step in range(-1, 4)}


@pytest.mark.parametrize(
    ("changes", "point"),
    [
        # a state without a seed is a warning, and the divergence is what it changed
        (OTHER_STATE | {(0, "batch", "0"): 5}, (0, "batch", "0")),
        ({(1, "rng", "python"): 5, (1, "batch", "0"): 5}, (1, "rng", "python")),
        ({(-1, "rng", "python"): 5, (0, "rng", "python"): 5, (-1, "start", "fc.bias"): 5}, (-1, "start", "fc.bias")),
        # what differs before a state does not follow from it
        ({(1, "batch", "0"): 5, (2, "rng", "python"): 5}, (1, "batch", "0")),
        ({(3, "rng", "python"): 5, (3, "end", "fc.bias"): 5}, (3, "end", "fc.bias")),
        ({(1, "batch", "0"): "left out", (1, "update", "fc.bias"): 5}, (1, "update", "fc.bias")),
    ],
)
def test_the_first_of_several_changes_that_counts_is_the_divergence(parted, changes, point):
    assert place(parted(changes)) == point


@pytest.mark.parametrize(
    ("changes", "verdict", "warnings"),
    [
        (OTHER_STATE | {(0, "batch", "0"): 5}, "diverged", ["numpy's global RNG is unseeded: its state already differs at the start"]),
        (OTHER_STATE, "repeated", ["numpy's global RNG is unseeded: its state differs, but nothing else differs"]),
        ({(1, "rng", "python"): 5}, "repeated", ["Python's random differs from step 1 on, but nothing else differs"]),
    ],
)  # fmt: skip
def test_a_random_state_that_differs_is_said(writing, tmp_path, changes, verdict, warnings):
    state = dict.fromkeys(OTHER_STATE, "one")
    result = writing.judged(tmp_path, [writing.training(state), writing.training(state | changes)])
    assert (result.verdict, result.warnings) == (verdict, warnings)
    assert result.judged["rng"] == ("!" if verdict == "diverged" else ".")


def test_a_generator_that_the_program_did_not_use_gets_no_note_and_no_mark(writing, tmp_path):
    events = [{"event": "observed-by", "how": "optimizer"}, {"event": "untouched", "generators": ["python", "numpy"]}]

    def trial(state):
        states = {(step, "rng", name): f"{name} {state}" for step in range(-1, 4) for name in ("python", "numpy")}
        return writing.training({**states}, events=events)

    result = writing.judged(tmp_path, [trial(1), trial(2)])
    assert (result.warnings, result.unseeded, result.judged["rng"]) == ([], {}, "=")
    drawn = {**{(step, "rng", "numpy"): f"drawn {step}" for step in range(-1, 4)}, (0, "batch", "0"): 5}
    first = {(step, "rng", name): f"{name} 1" for step in range(-1, 4) for name in ("python", "numpy")}
    second = {(step, "rng", "python"): "python 2" for step in range(-1, 4)}
    trials = [writing.training(first, events=events), writing.training({**first, **second, **drawn}, events=events)]
    assert writing.judged(tmp_path / "drawn", trials).warnings == [
        "numpy's global RNG is unseeded: its state already differs at the start"
    ]


def test_a_generator_is_not_said_to_be_unused_if_a_file_differs_that_nobody_understands(writing, tmp_path):
    def trial(changes, value):
        file = SavedFile(path="m.json", named=False, format="json", tensors={"acc": value}, values=["acc"])
        return writing.training(changes, files=[file])

    result = writing.judged(tmp_path, [trial({}, "0.5"), trial(OTHER_STATE, "0.6")])
    assert result.verdict == "inconclusive"
    assert result.warnings == ["numpy's global RNG is unseeded: its state already differs at the start"]


def test_a_state_that_agreed_and_parts_before_anything_else_is_the_divergence(parted):
    changes = {(1, "rng", "python"): 5, (2, "rng", "python"): 5, (2, "batch", "0"): 5}
    where = parted(changes)
    assert place(where) == (1, "rng", "python")
    assert where.detail == "Python's random agreed at the start and differs from step 1 on"


def test_another_number_of_steps_is_structure(parted):
    where = parted(steps=5)
    assert place(where) == (3, "structure", "steps")
    assert where.detail == "the trials made different numbers of steps: 3 steps against 5"


def test_a_point_that_only_one_trial_has_is_structure(parted):
    where = parted({(1, "gradient", "fc.bias"): "left out"})
    assert place(where) == (1, "structure", "fc.bias")
    assert where.detail == "gradient fc.bias was observed in some trials only"


def test_a_stopped_trial_is_compared_with_a_whole_one_as_far_as_it_went(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(steps=5), writing.training(steps=3, stop=True)])
    assert (result.verdict, result.groups) == ("inconclusive", [[1, 2]])
    assert (result.scope.kind, result.scope.steps_compared, result.scope.steps_total) == ("prefix", 3, 5)


def test_a_stopped_trial_that_made_more_steps_than_a_whole_one_differs_in_structure(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(steps=2), writing.training(steps=3, stop=True)])
    assert place(result.divergence) == (2, "structure", "steps")


def test_stopped_trials_differ_before_they_stop(writing, tmp_path):
    other = writing.training({(1, "batch", "0"): 5}, stop=True)
    result = writing.judged(tmp_path, [writing.training(stop=True), other, writing.training(steps=9)])
    assert place(result.divergence) == (1, "batch", "0")
    assert result.groups == [[1, 3], [2]]


def test_the_earliest_of_several_departures_is_named_with_the_trials_that_leave_there(writing, tmp_path):
    late, early = writing.training({(2, "batch", "0"): 5}), writing.training({(0, "update", "fc.bias"): 5})
    result = writing.judged(tmp_path, [writing.training(), late, writing.training(), early])
    assert place(result.divergence) == (0, "update", "fc.bias")
    assert result.divergence.trials == [4]


def pipeline(writing, *parts):
    """A trial of several processes: (changes, facts) each."""

    def write(folder, number):
        for start, (changes, facts) in enumerate(parts, 1):
            run = writing.process(folder, start, **facts)
            writing.train(run, changes)

    return write


def test_an_earlier_process_comes_first_whatever_the_step(writing, tmp_path):
    first, second = {"argv": ["python", "pretrain.py"]}, {"argv": ["python", "finetune.py"]}
    usual = pipeline(writing, ({}, first), ({}, second))
    other = pipeline(writing, ({(2, "batch", "0"): 5}, first), ({(0, "batch", "0"): 5}, second))
    where = writing.judged(tmp_path, [usual, other]).divergence
    assert (where.process.order, *place(where)) == (0, 2, "batch", "0")


def test_ranks_share_a_place_and_the_earliest_step_of_any_rank_counts(writing, tmp_path):
    ranks = [{"rank": rank, "world_size": 2} for rank in range(2)]
    usual = pipeline(writing, ({}, ranks[0]), ({}, ranks[1]))
    other = pipeline(writing, ({(1, "gradient", "fc.bias"): 5}, ranks[1]), ({(2, "batch", "0"): 5}, ranks[0]))
    result = writing.judged(tmp_path, [usual, other])
    where = result.divergence
    assert (where.process.order, where.process.rank, *place(where)) == (0, 1, 1, "gradient", "fc.bias")
    assert result.trials[0].steps == 3


def test_a_process_that_only_one_trial_has_is_structure(writing, tmp_path):
    first, second = {"argv": ["python", "a.py"]}, {"argv": ["python", "b.py"]}
    both, one = pipeline(writing, ({}, first), ({}, second)), pipeline(writing, ({}, first))
    where = writing.judged(tmp_path, [both, one]).divergence
    assert (where.kind, where.name) == ("structure", "process")
    assert where.detail == "the process python b.py ran in some trials only"


def thinned(writing, digest_steps, value="same"):
    rows = []
    for step in range(6):
        if step in digest_steps:
            rows.append((step, "update", "", (step, value), None, wire.DIGEST))
        else:
            rows += [(step, "update", name, step) for name in "ab"]
    return writing.observing(rows, 6)


def test_thinned_steps_are_compared_by_their_digest(writing, tmp_path):
    result = writing.judged(tmp_path, [thinned(writing, {3, 4}), thinned(writing, {3, 4}, "other")])
    assert place(result.divergence) == (3, "update", "")


def test_a_digest_is_not_compared_with_values_and_that_is_said(writing, tmp_path):
    result = writing.judged(tmp_path, [thinned(writing, {3, 4}), thinned(writing, {4})])
    assert result.verdict == "repeated"
    said = "one trial kept a fingerprint of each value, the other only one of all values together"
    assert result.warnings == [f"1 step could not be compared: {said}"]


def saved(path, digits="0" * 32, named=False, **tensors):
    return SavedFile(path=path, named=named, format="torch", tensors=tensors or {"": digits})


def with_files(writing, *files, changes=None):
    return writing.training(changes, files=list(files))


def test_weights_at_the_end_come_before_files(writing, tmp_path):
    two = with_files(writing, saved("m.pt", "1" * 32), changes={(3, "end", "fc.bias"): 5})
    result = writing.judged(tmp_path, [with_files(writing, saved("m.pt")), two])
    assert place(result.divergence) == (3, "end", "fc.bias")


def test_a_file_found_by_itself_in_some_trials_only_gives_no_answer(writing, tmp_path):
    result = writing.judged(tmp_path, [with_files(writing, saved("m.pt")), with_files(writing)])
    assert result.verdict == "inconclusive"
    assert "m.pt was written in some trials only" in result.reason


def test_a_named_file_in_some_trials_only_is_structure(writing, tmp_path):
    result = writing.judged(tmp_path, [with_files(writing, saved("m.pt", named=True)), with_files(writing)])
    assert (result.divergence.kind, result.divergence.name) == ("structure", "m.pt")


def test_metrics_that_were_printed_count_at_the_end(writing, tmp_path):
    trials = [writing.training(trial={"metrics_printed": {"acc": text}}) for text in ("0.91", "0.92")]
    where = writing.judged(tmp_path, trials, options={"metrics": {"acc": "x"}}).divergence
    assert (where.kind, where.name, where.detail) == ("end", "metric acc", "printed 0.91 and 0.92")


def test_details_are_bounded(writing, tmp_path):
    def program(value):
        return writing.observing([(0, "update", f"w{index}", value) for index in range(80)], 1)

    where = writing.judged(tmp_path, [program(1), program(2)]).divergence
    assert where.name == "w0"
    assert [detail["name"] for detail in where.details] == [f"w{index}" for index in range(1, 51)]


def test_groups_and_their_difference_come_from_one_comparison(writing, tmp_path):
    """The reference is compared with an earlier trial in the direction that made the groups, if the other is empty."""
    changed = {(2, "batch", "0"): 5}
    record = writing.record(tmp_path, [writing.training(changed), writing.training(), writing.training()])
    opened = open_record(record)
    comparison = Comparison([AlignedTrial(trial, opened.file.command) for trial in opened.trials])
    assert comparison.groups == [[1], [2, 3]]
    comparison._known[2, 1] = PairDifference([], [])
    assert place(find_divergence(comparison)) == (2, "batch", "0")
