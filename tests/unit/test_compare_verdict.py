"""The verdict on records made by hand."""

import pytest

from samebits.comparison import surely_diverge
from samebits.store import open_record


def test_equal_trainings_repeat(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training()] * 5)
    assert (result.verdict, result.reason) == ("repeated", None)
    assert result.sentence == "5 trials, one model: all 3 steps have the same bits."
    assert str(result) == f"repeated: {result.sentence}"
    assert result.groups == [[1, 2, 3, 4, 5]]
    assert result.scope.kind == "whole"
    assert result.judged == dict.fromkeys(("start", "rng", "batch", "forward", "gradient", "update", "end"), "=")
    assert len({trial.final for trial in result.trials}) == 1
    assert len(result.trials[0].final) == 32
    assert result.warnings == []


def test_the_first_difference_in_the_order_of_judging_is_the_divergence(writing, tmp_path):
    other = writing.training({(1, "gradient", "fc.bias"): 7, (1, "update", "fc.weight"): 7, (2, "batch", "0"): 7})
    result = writing.judged(tmp_path, [writing.training(), other, writing.training(), other, writing.training()])
    where = result.divergence
    assert result.verdict == "diverged"
    assert (where.step, where.kind, where.name, where.trials) == (1, "gradient", "fc.bias", [2, 4])
    assert result.groups == [[1, 3, 5], [2, 4]]
    assert [(detail["kind"], detail["name"]) for detail in where.details] == [("update", "fc.weight")]
    assert result.judged["gradient"] == "!"
    assert result.judged["update"] == result.judged["end"] == "."


def test_without_a_step_the_calls_of_a_model_come_before_what_the_variables_hold_at_the_end(writing, tmp_path):
    """A training by `torch.func` calls a model, and keeps the weights in a variable."""

    def trial(value):
        def write(folder, number):
            process = writing.process(folder)
            process.add(0, "batch", "0", value)
            process.add(0, "end", "globals p", value)
            process.end(0)

        return write

    result = writing.judged(tmp_path, [trial(1), trial(2)])
    assert (result.verdict, result.divergence.kind, result.divergence.name) == ("diverged", "batch", "0")
    assert (result.judged["batch"], result.judged["end"]) == ("!", ".")


BATCH, START, RNG = (
    {(0, "batch", "0"): 1},
    {(-1, "start", "fc.weight"): 1},
    {(-1, "rng", "numpy"): 1, (0, "rng", "numpy"): 1},
)


@pytest.mark.parametrize(
    ("changes", "trial", "sure"),
    [
        ({}, {}, False),
        (BATCH, {}, True),
        (BATCH, {"status": "failed", "exit_code": 1}, False),
        (START, {}, False),  # perhaps networks that come in a different order
        ({**START, **RNG}, {}, True),
    ],
)
def test_two_trials_surely_diverge_only_if_nothing_later_can_explain_it(writing, tmp_path, changes, trial, sure):
    record = open_record(writing.record(tmp_path, [writing.training(), writing.training(changes, trial=trial)]))
    assert surely_diverge(record.file, record.trials) is sure
