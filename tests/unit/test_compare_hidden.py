"""What trained where nobody looked: processes without a probe, threads that are not the one watched."""

import pytest

from samebits.model import SavedFile


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
        "Python ran unwatched: python -I child.py (-I); only its files and printed lines were compared"
    ]


@pytest.mark.parametrize("query", [["--version"], ["-V"], ["-h"], ["-I", "-V"]])
def test_a_question_to_the_interpreter_hides_nothing(writing, tmp_path, query):
    result = writing.judged(tmp_path, [hidden(writing, "python", *query)] * 2)
    assert (result.verdict, result.warnings, result.scope.not_observed) == ("repeated", [], [])


@pytest.mark.parametrize("words", [[], ["-I"], ["train.py", "--version"], ["-c", "1"]])
def test_whatever_may_train_is_no_question(writing, tmp_path, words):
    assert writing.judged(tmp_path, [hidden(writing, "python", *words)] * 2).verdict == "inconclusive"


HOW = {"event": "observed-by", "how": "optimizer"}
ELSEWHERE = {"event": "not-observed", "point": "training in another thread", "why": "an optimizer runs there"}
EVALUATES = {"event": "not-observed", "point": "threads", "why": "a module was called there"}
OTHER = {(0, "batch", "0"): 1}
ENDED = (3, "end", "fc.weight")


def threaded(writing, changes=None, event=ELSEWHERE, digits=None):
    """A training beside another thread; `digits`: of a file that it saves and --artifact names."""
    file = SavedFile(path="out/m.pt", named=True, format="torch", tensors={"w": digits or ""})
    return writing.training(changes, events=[HOW, event], files=[file] if digits else [])


@pytest.mark.parametrize("changes", [None, OTHER])
def test_steps_of_several_threads_are_no_answer_if_the_ends_agree(writing, tmp_path, changes):
    result = writing.judged(tmp_path, [threaded(writing), threaded(writing, changes)])
    assert result.verdict == "inconclusive"
    assert result.reason == (
        "more than one thread trained in trials 1 and 2: samebits watches only one of them, and not always the same one, "
        "so their steps were not compared; their final weights agree."
    )
    assert "--artifact" in result.advice


def test_final_weights_that_differ_diverge_if_several_threads_trained(writing, tmp_path):
    trials = [threaded(writing), threaded(writing, {**OTHER, ENDED: 1}), threaded(writing)]
    result = writing.judged(tmp_path, trials)
    assert (result.verdict, result.groups) == ("diverged", [[1, 3], [2]])
    assert (result.divergence.kind, result.divergence.name) == ("end", ENDED[2])
    assert result.divergence.detail.startswith(f"between steps 0 and {ENDED[0]}, several threads trained")


def test_threads_that_may_have_watched_different_models_are_no_answer(writing, tmp_path):
    other_model = {**OTHER, (-1, "start", ENDED[2]): 1, ENDED: 1}
    result = writing.judged(tmp_path / "seeded", [threaded(writing), threaded(writing, other_model)])
    assert result.verdict == "inconclusive"
    assert "agree" not in result.reason
    unseeded = {**other_model, (-1, "rng", "python"): 1}
    result = writing.judged(tmp_path / "unseeded", [threaded(writing), threaded(writing, unseeded)])
    assert result.verdict == "inconclusive"


OWN_MODEL = {**ELSEWHERE, "why": "a different thread trains a model of its own"}


def test_copies_of_one_model_that_threads_train_and_drop_are_no_divergence(writing, tmp_path):
    """Each trial may have watched the copy of a different thread: they start alike and end apart."""

    def watched(value):
        return writing.training({ENDED: value}, events=[HOW, ELSEWHERE, OWN_MODEL])

    assert writing.judged(tmp_path, [watched(1), watched(2)]).verdict == "inconclusive"


def test_a_second_thread_seen_in_one_trial_only_is_no_answer(writing, tmp_path):
    result = writing.judged(tmp_path, [writing.training(), threaded(writing, OTHER)])
    assert (result.verdict, "trained in trial 2:" in result.reason) == ("inconclusive", True)


def test_an_evaluation_in_another_thread_stays_in_the_scope(writing, tmp_path):
    result = writing.judged(tmp_path, [threaded(writing, event=EVALUATES)] * 2)
    assert (result.verdict, result.scope.not_observed) == ("repeated", ["threads: a module was called there"])


def test_threads_are_judged_by_the_files_that_are_named(writing, tmp_path):
    trials = [threaded(writing, None, EVALUATES, "0" * 32), threaded(writing, OTHER, ELSEWHERE, "0" * 32)]
    result = writing.judged(tmp_path, trials)
    assert result.verdict == "repeated"
    assert "training in another thread: an optimizer runs there" in result.scope.not_observed
    assert "steps: only the files that were written are compared" in result.scope.not_observed


def test_named_files_of_threads_diverge(writing, tmp_path):
    trials = [threaded(writing, digits="0" * 32), threaded(writing, digits="1" * 32)]
    result = writing.judged(tmp_path, trials)
    assert (result.verdict, result.divergence.name) == ("diverged", "out/m.pt > w")
