"""Keras 2.3.1 on TensorFlow 1.14 and 2.1: what is seen of real programs, and that seeing changes no bit of them."""

import re
from collections import Counter
from pathlib import Path

import pytest
from builders import left_of

SAMPLES = Path(__file__).parents[1] / "samples"
STACKS = ("keras-tf1.14", "keras-tf2.1")


@pytest.fixture(params=STACKS)
def stack(request, legacy_python):
    return legacy_python(request.param)


@pytest.fixture
def seen(stack, shared_run, plain_run):
    """Function(program, *arguments) -> WatchedProcess, where the watched program printed what it prints unwatched."""

    def run(program, *arguments, **config):
        trial = shared_run(stack, SAMPLES / program, *arguments, **config)
        assert trial.exit_code == 0, trial.stderr[-2000:]
        assert trial.stdout == plain_run(stack, SAMPLES / program, *arguments).stdout
        assert trial.only.failures == []
        return trial.only

    return run


def weights_of(process, kind, step):
    return dict(process.prints(kind, step))


CHANGED = (
    *("sets_weights", "moves_averages", "dies", "dies_with_a_new_head", "dies_with_an_attribute", "changes_the_head"),
    *("is_functional", "averages", "keeps_a_number", "keeps_arrays", "sets_the_learning_rate", "trains_by_hand"),
    *("trains_by_hand_and_dies", "has_a_module", "clears_the_session"),
)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["keras", "tf.keras"])
def test_whatever_a_program_changes_of_what_it_ends_with_is_in_the_end_and_nothing_else(stack, library, watched_run):
    ends = []
    for change in ("1.0", "2.0"):
        program = SAMPLES / "keras2_changes_its_end.py"
        trial = watched_run(stack, program, library, change, *CHANGED, "same_evaluation", timeout=300)
        assert trial.exit_code == 0, trial.stderr[-2000:]
        assert trial.only.failures == []
        ends.append(Counter(trial.only.prints("end")))
    names = {name for name, _ in (ends[0] - ends[1]) + (ends[1] - ends[0])}
    assert {way_of(name) for name in names} == set(CHANGED)


def way_of(name):
    """The way that gave its name to a part of the point's; the point's own where none did."""
    words = [word + "_" for word in re.split(r"[./]", name)]
    return max((way for way in CHANGED for word in words if word.startswith(way + "_")), key=len, default=name)


@pytest.mark.parametrize(
    "how", [pytest.param("fit", marks=pytest.mark.slow), pytest.param("generator", marks=pytest.mark.slow), "batch"]
)
def test_training_is_seen_whole_and_keeps_its_bits(seen, how):
    process = seen("keras2_trains.py", how)
    assert process.steps == 6
    trained = ["conv2d_1/kernel", "conv2d_1/bias", "batch_normalization_1/gamma", "batch_normalization_1/beta"]
    trained += ["dense_1/kernel", "dense_1/bias"]
    averages = ["batch_normalization_1/moving_mean", "batch_normalization_1/moving_variance"]
    for step in range(6):
        assert process.names("batch", step) == ["0", "labels.0", "sample_weights.0"]
        assert process.names("gradient", step) == trained
        assert process.names("update", step)[:8] == trained + averages
        assert {"SGD/iterations", "dense_1/kernel/moment"} <= set(process.names("update", step))
        named = {name: value for at, name, _, value in process.scalars if at == step}
        assert list(named)[:2] == ["loss", "accuracy"]
        assert {"python", "numpy", "tensorflow"} == set(process.names("rng", step))
    assert process.names("start", -1)[:8] == trained + averages
    assert sorted(left_of(process, trained + averages)) == sorted(trained + averages)
    last, ends = weights_of(process, "update", 5), weights_of(process, "end", 6)
    assert {name: ends[name] for name in trained + averages} == {name: last[name] for name in trained + averages}


@pytest.mark.slow
def test_each_step_changes_weights_slots_and_the_counter(seen):
    process = seen("keras2_trains.py", "batch")
    for name in ("dense_1/kernel", "conv2d_1/kernel/moment", "SGD/iterations"):
        before_and_after = [weights_of(process, "start", -1)[name]]
        before_and_after += [weights_of(process, "update", step)[name] for step in range(6)]
        assert len(set(before_and_after)) == 7, name


@pytest.mark.slow
def test_the_slots_of_adam_are_named_by_their_weights(stack, watched_run):
    process = watched_run(stack, SAMPLES / "keras2_trains.py", "batch", "adam").only
    names = process.names("update", 0)
    assert {"dense_1/kernel/m", "dense_1/kernel/v", "dense_1/kernel/vhat"} <= set(names)
    assert {"Adam/iterations", "Adam/learning_rate", "Adam/beta_1"} <= set(names)
    assert len(names) == len(set(names))


def test_evaluation_is_a_point_of_its_own_and_never_a_batch(seen):
    process = seen("keras2_trains.py", "fit")
    assert Counter(process.names("batch"))["0"] == 6
    assert process.names("forward", 6) == [
        "evaluation/batch.0",
        "evaluation/labels.0",
        "evaluation/sample_weights.0",
        "evaluation/loss",
        "evaluation/accuracy",
    ]


@pytest.mark.slow
def test_two_models_trained_in_turn_are_counted_together(seen):
    process = seen("keras2_trains_two_models.py")
    assert process.steps == 4
    assert process.names("gradient", 0) == ["look/kernel", "look/bias", "judge/kernel", "judge/bias"]
    assert process.names("gradient", 1) == ["paint/kernel", "paint/bias"]
    assert {"paint/kernel", "look/kernel"} <= set(process.names("update", 1))
    assert "prediction/0" in process.names("forward", 0)
    trained = sorted({*process.names("gradient")})
    assert sorted(left_of(process, trained)) == trained


@pytest.mark.slow
def test_models_that_are_gone_at_the_end_have_ends(seen):
    process = seen("keras2_clears_its_session.py")
    assert process.steps == 6
    names = ["only/kernel", "only/bias"]
    ends = Counter(found for found in process.prints("end", 6) if found[0] in names)
    assert ends == Counter((name, weights_of(process, "update", step)[name]) for step in (1, 3, 5) for name in names)


@pytest.mark.slow
def test_a_model_compiled_again_is_followed_and_averaging_is_seen_at_the_end(seen):
    process = seen("keras2_compiles_again.py")
    assert process.steps == 4
    assert "last/kernel/moment" in process.names("update", 1)
    assert "last/kernel/accumulator" in process.names("update", 2)
    names = ["first/kernel", "first/bias", "last/kernel", "last/bias"]
    assert left_of(process, names) == names
    assert weights_of(process, "end", 4)["last/kernel"] != weights_of(process, "update", 3)["last/kernel"]


@pytest.mark.slow
def test_functions_and_optimizers_of_the_program_are_steps(seen):
    process = seen("keras2_makes_its_own_function.py")
    assert process.steps == 6
    assert process.names("gradient", 0) == ["only/kernel", "only/bias"]
    assert process.names("batch", 3) == ["0", "1"]
    assert process.names("gradient", 3)[:2] == ["words/embeddings", "words/embeddings/indices"]
    assert "loss" in process.names("forward", 3)
    assert "words/embeddings/moment" in process.names("update", 3)


WANTED = {"first": 1, "last": 1, "kinds": ["gradient"], "name": "only/bias"}


@pytest.mark.slow
def test_what_keras_raises_reaches_the_program_and_the_next_step_is_seen(seen):
    process = seen("keras2_raises.py", tensors=WANTED)
    assert process.steps == 3
    assert process.names("gradient", 2) == ["only/kernel", "only/bias"]


@pytest.mark.slow
def test_a_tensor_is_captured_on_request(seen):
    assert (seen("keras2_raises.py", tensors=WANTED).folder / "tensors.bin").stat().st_size == 2 * 4


def test_hidden_random_states_are_said(seen):
    assert "rng" in seen("keras2_trains.py", "batch").not_observed
    assert seen("keras2_raises.py", tensors=WANTED).not_observed == []


@pytest.mark.slow
def test_clipping_by_the_norm_is_said_where_only_what_comes_before_it_is_seen(legacy_python, shared_run):
    def said(name):
        return shared_run(legacy_python(name), SAMPLES / "keras2_trains.py", "batch").only.not_observed

    assert ["gradient after clipping" in said(name) for name in STACKS] == [False, True]


@pytest.mark.slow
def test_training_is_stopped_after_the_steps_asked_for(stack, watched_run):
    process = watched_run(stack, SAMPLES / "keras2_trains.py", "fit", stop_after=2).only
    assert process.stopped["steps"] == 2
    assert max(row[0] for row in process.rows) == 1
