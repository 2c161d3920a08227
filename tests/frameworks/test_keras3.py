"""Keras 3 on TensorFlow, torch and JAX: what is seen of each way to train, and that watching changes no bit."""

import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "samples"
PROGRAM = SAMPLES / "keras3_trains_in_many_ways.py"
LOOPS = SAMPLES / "keras3_loops_of_its_own.py"
CHANGES = SAMPLES / "keras3_changes_its_end.py"
READS = SAMPLES / "keras3_reads_variables.py"
EVERYWHERE = ("fit", "train_on_batch", "generator", "unbuilt", "eagerly", "compiled", "averaged", "accumulated")
EVERYWHERE += ("scaled", "embedding")
WAYS = {
    "tensorflow": (*EVERYWHERE, "several_steps_a_call", "several_compiled_steps_a_call", "two_optimizers"),
    "torch": EVERYWHERE,
    "jax": (*EVERYWHERE, "several_steps_a_call"),
}
WEIGHTS = ["conv2d/kernel", "conv2d/bias", "batch_normalization/gamma", "batch_normalization/beta"]
WEIGHTS += ["dense/kernel", "dense/bias"]
BUFFERS = ["batch_normalization/moving_mean", "batch_normalization/moving_variance"]


@pytest.fixture(scope="session")
def environment(alone):
    """Function(backend, *ways) -> the variables of a program of Keras that trains in these ways; skips if it cannot run.

    PyTorch imports its compiler from the start where a way uses it.
    """

    def variables(backend, *ways):
        for library in ("keras", backend):
            if importlib.util.find_spec(library) is None:
                pytest.skip(f"{library} is not installed here")
        return {**alone(backend, compiler="compiled" in ways), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

    return variables


@pytest.fixture
def plain_output(plain_run, environment):
    """Function(backend, *ways, program=PROGRAM) -> what the program prints that nobody watches."""

    def run(backend, *ways, program=PROGRAM):
        done = plain_run(None, program, *ways, environment=environment(backend, *ways))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def train(shared_run, environment):
    """Function(backend, *ways, **config) -> the watched process: everything is seen, or said not to be."""

    def run(backend, *ways, **config):
        trial = shared_run(None, PROGRAM, *ways, environment=environment(backend, *ways), timeout=900, **config)
        assert not trial.probe_failures
        assert not trial.only.failures, trial.only.failures
        trial.only.output = trial.stdout
        trial.only.errors = trial.stderr
        trial.only.exit_code = trial.exit_code
        return trial.only

    return run


def short(names):
    """Names without the model's own: "sequential_3/conv2d_1/kernel" -> "conv2d/kernel"."""
    parts = [name.split("/")[-2:] for name in names]
    return ["/".join([layer.rstrip("_0123456789"), leaf]) for layer, leaf in parts]


@pytest.mark.slow(seconds=70)
@pytest.mark.parametrize("backend", sorted(WAYS))
def test_a_watched_run_trains_the_same_bits(backend, train, plain_output):
    watched = train(backend, *WAYS[backend])
    assert watched.output == plain_output(backend, *WAYS[backend])


@pytest.mark.parametrize("backend", sorted(WAYS))
def test_every_kind_of_point_is_seen_at_each_step_of_fit(backend, train):
    seen = train(backend, "fit")
    assert seen.steps == 6
    for step in range(6):
        assert seen.names("batch", step) == ["0", "labels.0"]
        assert [name for name in seen.names("forward", step) if "/" not in name] == ["loss", "accuracy"]
        assert sorted(short(seen.names("gradient", step))) == sorted(WEIGHTS)
        updated = short([name for name in seen.names("update", step) if not name.startswith("adam/")])
        assert sorted(updated) == sorted(WEIGHTS + BUFFERS)
        assert {"adam/iteration", "adam/learning_rate"} <= set(seen.names("update", step))
        assert sum("momentum" in name for name in seen.names("update", step)) == len(WEIGHTS)
    assert [scalar[:2] for scalar in seen.scalars if scalar[1] == "loss"] == [(step, "loss") for step in range(6)]
    evaluation = [name for name in seen.names("forward") if "/" in name]
    assert evaluation == ["evaluation/accuracy", "evaluation/loss"] * 2 + ["prediction/0"]
    assert any(event["event"] == "observed-by" and event["how"] == "train-function" for event in seen.events)


@pytest.mark.parametrize("backend", sorted(WAYS))
def test_the_state_of_a_seed_generator_is_a_random_state_and_no_weight(backend, train):
    seen = train(backend, "fit")
    assert sorted(short(seen.names("start", -1))) == sorted(WEIGHTS + BUFFERS)
    for step in range(-1, 6):
        assert [name for name in seen.names("rng", step) if "seed_generator" in name]
    assert len(set(seen.prints("rng"))) > len(set(seen.names("rng")))
    assert not [name for kind in ("update", "end") for name in seen.names(kind) if "seed_generator" in name]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_several_steps_of_one_call_are_steps(backend, train):
    seen = train(backend, "several_steps_a_call")
    assert seen.steps == 6
    for step in range(6):
        assert len(seen.names("gradient", step)) == 6
        assert seen.names("batch", step) == ["0", "labels.0"]
    assert not seen.not_observed


@pytest.mark.slow
def test_what_xla_hides_inside_one_call_is_said_and_its_steps_are_counted(train):
    seen = train("tensorflow", "several_compiled_steps_a_call")
    assert seen.steps == 3
    assert seen.not_observed == ["batch", "gradient"]
    assert seen.names("update", 2)


@pytest.mark.slow
def test_gradients_that_would_change_the_bits_under_xla_stay_unseen_and_this_is_said(train):
    seen = train("tensorflow", "compiled")
    assert (seen.steps, seen.not_observed) == (3, ["gradient"])
    assert seen.names("batch", 2) == ["0", "labels.0"]
    assert seen.names("forward", 2) == ["accuracy", "loss"]


@pytest.mark.slow
def test_gradients_of_a_compiled_step_are_seen_on_jax_where_this_changes_no_bit(train):
    seen = train("jax", "compiled")
    assert (seen.steps, len(seen.names("gradient", 2)), seen.not_observed) == (3, 6, [])


@pytest.mark.parametrize(
    ("backend", "way"), [("torch", "applied"), ("torch", "stepped_by_torch"), ("jax", "stateless_compiled")]
)
def test_a_loop_of_the_programs_own_is_seen_and_keeps_its_bits(backend, way, watched_run, plain_output, environment):
    trial = watched_run(None, LOOPS, way, environment=environment(backend), timeout=900)
    seen = trial.only
    assert not seen.failures, seen.failures
    assert trial.stdout == plain_output(backend, way, program=LOOPS)
    assert (seen.steps, seen.not_observed) == (3, [])
    for step in range(3):
        assert bool(seen.names("gradient", step)) == (backend == "torch")  # a compiled function returns none
        assert seen.names("batch", step)
        assert seen.names("update", step)
        assert bool(seen.names("forward", step)) == (backend == "torch")
    assert seen.names("start", -1)
    last, ends = dict(seen.prints("update", 2)), seen.prints("end")
    assert {(name, last[name]) for name in seen.names("start") if name in last} <= set(ends)


def test_variables_are_read_by_one_operation_and_one_by_one_where_tensorflow_lacks_it(watched_run, environment):
    trial = watched_run(None, READS, environment=environment("tensorflow"))
    assert trial.stdout == "usual ['_ReadVariablesOp'] True True\nlacking ['_ReadVariablesOp'] True True\n"


@pytest.mark.slow
def test_each_optimizer_of_a_train_step_makes_a_step_of_its_own(train):
    seen = train("tensorflow", "two_optimizers")
    assert seen.steps == 6
    assert short(seen.names("gradient", 0)) == ["dense/kernel", "dense/bias"]
    assert seen.names("gradient", 0)[0] in seen.names("update", 0)
    assert seen.names("gradient", 0) != seen.names("gradient", 1)
    assert seen.names("batch", 0) == ["0"]
    assert seen.names("batch", 1) == []


@pytest.mark.slow
def test_sample_weights_are_a_part_of_the_batch(train):
    seen = train("tensorflow", "train_on_batch", "raises")  # as the test of errors asks for it
    assert seen.names("batch", 2) == ["0", "labels.0", "sample_weights.0"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", sorted(WAYS))
def test_the_weights_of_a_model_that_died_are_in_the_end(backend, train):
    seen = train(backend, "dies")
    assert seen.steps == 6 + 3
    left = [name for name in seen.names("end") if "." not in name and not name.startswith("adam")]
    assert sorted(short(left)) == sorted((WEIGHTS + BUFFERS) * 2)
    last = {name: found for name, found in seen.prints("update", 5) if not name.startswith("adam")}
    assert set(last.items()) <= set(seen.prints("end"))


@pytest.mark.parametrize("backend", sorted(WAYS))
def test_each_model_tells_what_its_names_begin_with_so_that_models_may_be_fitted_in_any_order(backend, train):
    seen = train(backend, "fit")
    labels = [event["label"] for event in seen.events if event["event"] == "model"]
    assert {name for name in seen.names("start") if name.startswith(tuple(labels))} == {*seen.names("start")}


EVERYWHERE_CHANGED = (
    *("sets_weights", "assigns", "moves_averages", "loads_weights", "dies", "dies_with_a_new_head"),
    *("dies_with_an_attribute", "changes_the_head", "is_functional", "averages", "replaces_a_layer", "is_only_built"),
    *("keeps_a_number", "keeps_arrays", "keeps_a_tensor", "sets_the_learning_rate", "makes_many"),
    *("has_a_variable", "adapts", "looks_up"),
)
CHANGED = {
    "tensorflow": ("trains_by_hand", "trains_by_hand_and_dies", "has_a_module"),
    "torch": ("changes_below", "swaps_parameters", "has_a_buffer"),
    "jax": ("assigns_what_a_loop_returned",),
}
UNCHANGED = ("same_evaluation", "same_metric", "same_generator", "sets_a_rate")


@pytest.mark.slow(seconds=50)
@pytest.mark.parametrize("backend", sorted(CHANGED))
def test_whatever_a_program_changes_of_what_it_ends_with_is_in_the_end_and_nothing_else(
    backend, watched_run, environment
):
    ways = (*EVERYWHERE_CHANGED, *CHANGED[backend], *UNCHANGED)
    ends = []
    for change in ("1.0", "2.0"):
        trial = watched_run(None, CHANGES, change, *ways, environment=environment(backend), timeout=900)
        assert trial.exit_code == 0, trial.stderr[-2000:]
        assert not trial.only.failures
        assert not trial.only.not_observed
        ends.append(Counter(trial.only.prints("end")))
    names = {name for name, _ in (ends[0] - ends[1]) + (ends[1] - ends[0])}
    assert {way_of(name, ways) for name in names} == set(ways) - set(UNCHANGED)


def way_of(name, ways):
    """The way that gave its name to a part of the point's; the point's own where none did."""
    words = [word + "_" for word in re.split(r"[./]", name)]
    return max((way for way in ways for word in words if word.startswith(way + "_")), key=len, default=name)


@pytest.mark.slow
@pytest.mark.parametrize("backend", sorted(WAYS))
def test_an_error_of_the_program_stays_its_own(backend, train):
    seen = train(backend, "train_on_batch", "raises")
    assert seen.exit_code == 1
    assert "of the program" in seen.errors
    assert seen.steps == 3


@pytest.mark.slow
@pytest.mark.parametrize("backend", sorted(WAYS))
def test_a_trial_stops_after_as_many_steps_as_it_is_told_and_has_written_its_trace_and_the_tensor_asked_for(
    backend, train
):
    whole = train(backend, "fit")
    want = {"first": 1, "last": 1, "kinds": ["gradient"], "name": whole.names("gradient", 0)[0]}
    seen = train(backend, "fit", stop_after=2, tensors=want)
    assert seen.stopped["steps"] == 2
    assert {step for step, *_ in seen.rows} == {-1, 0, 1}
    assert seen.rows == [row for row in whole.rows if row[0] < 2], "seeded: the same until then"
    assert (seen.folder / "tensors.bin").stat().st_size == 3 * 3 * 1 * 4 * 4
