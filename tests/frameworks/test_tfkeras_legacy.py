"""`tf.keras` and the loops of TensorFlow 1.14 and 2.1: what is seen, and that seeing changes no bit."""

from pathlib import Path

import pytest
from builders import left_of

from samebits.localization import path
from samebits.localization.inspection import Execution

SAMPLES = Path(__file__).parents[1] / "samples"
STACKS = ("keras-tf1.14", "keras-tf2.1")
WEIGHTS = ["look/kernel", "look/bias", "norm/gamma", "norm/beta", "say/kernel", "say/bias"]
ALL = [*WEIGHTS[:4], "norm/moving_mean", "norm/moving_variance", *WEIGHTS[4:]]  # in the order of the layers


@pytest.fixture(params=STACKS)
def stack(request, legacy_python):
    return legacy_python(request.param)


@pytest.fixture
def seen(shared_run, plain_run):
    """Function(python, program, *arguments) -> WatchedTrial that trained what the program trains unwatched.

    What it prints at last is a name for the weights it trained.
    """

    def run(python, program, *arguments, **asked):
        trial = shared_run(python, SAMPLES / program, *arguments, **asked)
        assert trial.exit_code == 0, trial.stderr[-2000:]
        plain = plain_run(python, SAMPLES / program, *arguments)
        assert plain.returncode == 0, plain.stderr[-2000:]
        assert trial.stdout.splitlines()[-1] == plain.stdout.splitlines()[-1]
        assert [process.failures for process in trial.processes] == [[]]
        return trial

    return run


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fit", "dataset", "batch"])
def test_training_is_seen_whole_and_keeps_its_bits(seen, stack, how):
    check_whole_training(seen(stack, "tfkeras_legacy_trains.py", how).only, has_evaluation=how == "fit")


def test_training_that_runs_eagerly_is_seen_whole_and_keeps_its_bits(seen, legacy_python):
    process = seen(legacy_python("keras-tf2.1"), "tfkeras_legacy_trains.py", "eagerly").only
    check_whole_training(process, has_evaluation=True)


def check_whole_training(process, *, has_evaluation):
    assert process.steps == 6
    assert process.names("start", -1)[:8] == ALL
    for step in range(6):
        assert process.names("batch", step) == ["0", "labels.0"]
        assert process.names("forward", step) in (["loss", "acc"], ["loss", "accuracy"])
        assert process.names("gradient", step) == WEIGHTS
        assert {"say/kernel/m", "say/kernel/v", "Adam/iterations"} <= set(process.names("update", step))
    assert left_of(process, ALL) == ALL
    assert has_evaluation == ("evaluation/loss" in process.names("forward", 6))
    assert "prediction/0" in process.names("forward", 6)
    assert len({fingerprint for name, fingerprint in process.prints("batch") if name == "0"}) == 6


@pytest.mark.slow
def test_a_loop_with_a_tape_is_seen_but_for_its_batch(seen, stack):
    process = seen(stack, "tfkeras_legacy_tape.py").only
    assert process.steps == 3
    for step in range(3):
        assert process.names("forward", step) == ["loss"]
        assert process.names("gradient", step) == ["first/kernel", "first/bias", "last/kernel", "last/bias"]
    weights = ["first/kernel", "first/bias", "last/kernel", "last/bias"]
    assert left_of(process, weights) == weights
    assert process.not_observed == ["batch of a loop"]


@pytest.mark.slow
def test_steps_inside_a_function_of_the_program_are_said_to_be_hidden(seen, stack):
    (process,) = seen(stack, "tfkeras_legacy_tape.py", "function").processes
    assert process.not_observed == ["steps inside a function"]
    assert process.steps == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["placeholder", "dataset", "clip"])
def test_a_loop_of_session_runs_is_seen_whole_and_keeps_its_bits(seen, stack, how):
    process = seen(stack, "tfkeras_legacy_session.py", how).only
    assert process.steps == 4
    weights = ["first/kernel", "first/bias", "norm/gamma", "norm/beta", "last/kernel", "last/bias"]
    for step in range(4):
        fed = ["IteratorGetNext.0", "IteratorGetNext.1"] if how == "dataset" else ["image", "label"]
        assert process.names("batch", step) == fed
        assert process.names("forward", step) == ["loss"]
        assert process.names("gradient", step) == weights
        assert {"norm/moving_mean", "first/kernel/Adam", "first/kernel/Adam_1"} <= set(process.names("update", step))
    weights += ["norm/moving_mean", "norm/moving_variance"]
    assert sorted(left_of(process, weights)) == sorted(weights)


@pytest.mark.slow
def test_what_a_session_run_executes_is_seen_and_keeps_its_bits(seen, stack):
    entries = {}
    for level in ("module", "operator"):
        details = {"step": 1, "level": level}
        process = seen(stack, "tfkeras_legacy_session.py", "placeholder", details=details).only
        entries[level] = Execution(None, process.folder).entries
    assert [entry.key.name for entry in entries["module"]] == ["first", "norm", "last"]
    assert all(entry.prints != (None,) for entry in entries["module"])
    executed = [(entry.key.phase, entry.key.module, entry.key.name) for entry in entries["operator"]]
    assert executed.index(("forward", "first", "MatMul")) < executed.index(("backward", "last", "MatMul"))
    assert ("backward", "norm", "Mul") in executed
    assert {phase for phase, _, _ in executed} == {"forward", "backward", "update"}


@pytest.mark.slow
def test_the_operation_of_a_session_run_that_differs_first_is_named(watched_run, stack):
    details = {"step": 0, "level": "operator"}
    runs = [watched_run(stack, SAMPLES / "tfkeras_legacy_session.py", "noise", details=details) for _ in range(2)]
    first = path.earliest([Execution(None, run.only.folder) for run in runs], what=("operator",))
    assert (first.entry.key.phase, first.entry.key.module, first.entry.key.name) == ("forward", "first", "Mul")
    assert [name for name, _, _ in first.given] == ["input 1"]
