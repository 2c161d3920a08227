"""What trained where nobody looked: processes without a probe, threads that are not the one watched."""

import pytest


def hidden(writing, *argv, changes=None):
    """A training beside a Python process that was not watched."""
    process = {"pid": 3, "argv": list(argv), "watched": False, "why": "-I"}
    return writing.training(changes, trial={"python_processes": [process]})


def test_equal_bits_beside_a_hidden_process_are_no_answer(writing, tmp_path):
    result = writing.judged(tmp_path, [hidden(writing, "python", "-I", "child.py")] * 2)
    assert result.verdict == "inconclusive"
    assert result.reason == (
        "Python ran unwatched in trials 1 and 2, so what it did was not compared: python -I child.py (-I)."
    )
    assert "without -I, -E or -S" in result.advice
    assert "keep PYTHONPATH in its environment" in result.advice
    assert result.scope.not_observed == ["the process python -I child.py (-I)"]
    assert result.warnings == []


def test_a_hidden_process_in_one_of_two_trials_is_enough(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(), hidden(writing, "python", "-I", "child.py")])
    assert (result.verdict, result.reason[:31]) == ("inconclusive", "Python ran unwatched in trial 2")


def test_a_difference_beside_a_hidden_process_is_a_divergence_with_a_warning(writing, tmp_path):
    other = hidden(writing, "python", "-I", "child.py", changes={(0, "batch", "0"): 1})
    result = writing.judged(tmp_path, [hidden(writing, "python", "-I", "child.py"), other])
    assert result.verdict == "diverged"
    assert result.warnings == [
        "Python ran unwatched: python -I child.py (-I); what it did is compared only through files"
    ]


@pytest.mark.parametrize("query", [["--version"], ["-V"], ["-h"], ["-I", "-V"]])
def test_a_question_to_the_interpreter_hides_nothing(writing, tmp_path, query):
    result = writing.judged(tmp_path, [hidden(writing, "python", *query)] * 2)
    assert (result.verdict, result.warnings, result.scope.not_observed) == ("repeated", [], [])


@pytest.mark.parametrize("words", [[], ["-I"], ["train.py", "--version"], ["-c", "1"]])
def test_whatever_may_train_is_no_question(writing, tmp_path, words):
    assert writing.judged(tmp_path, [hidden(writing, "python", *words)] * 2).verdict == "inconclusive"
