"""TensorFlow loops of the program's own: tapes and optimizers, eagerly, in `tf.function`, and compiled by XLA."""

import importlib.util
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "samples" / "tf_loops_of_its_own.py"
WAYS = ("eager", "function", "compiled", "two_optimizers", "loop_in_a_function", "function_in_a_function")
WAYS += ("every_other",)

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed")


@pytest.fixture(scope="session")
def environment(alone):
    return {**alone("tensorflow"), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def train(shared_run, environment):
    """Function(*ways, attempt=1) -> the watched process, in which the probe has not failed."""

    def run(*ways, attempt=1):
        return shared_run(None, PROGRAM, *ways, attempt=attempt, environment=environment, timeout=900).sound()

    return run


@pytest.mark.slow
def test_a_watched_loop_trains_the_same_bits_and_is_traced_as_often(train, plain_run, environment):
    plain = plain_run(None, PROGRAM, *WAYS, environment=environment)
    assert plain.returncode == 0, plain.stderr
    assert train(*WAYS).output == plain.stdout


@pytest.mark.parametrize(
    ("way", "steps"),
    [
        ("eager", 3),
        ("function", 3),
        *(
            pytest.param(way, steps, marks=pytest.mark.slow)
            for way, steps in (("loop_in_a_function", 6), ("function_in_a_function", 3), ("every_other", 2))
        ),
    ],
)
def test_a_step_shows_its_batch_loss_gradients_and_update(train, way, steps):
    seen = train(way)
    assert seen.steps == steps
    assert len(seen.names("start", -1)) == 8
    left = [name for name in seen.names("end", steps) if not name.startswith(("adam", "sgd")) and "." not in name]
    assert sorted(left) == sorted(seen.names("start", -1))
    for step in range(steps):
        assert seen.names("batch", step) == ["0"]
        assert seen.names("forward", step) == ["loss"]
        assert len(seen.names("gradient", step)) == 6
        assert len([name for name in seen.names("update", step) if not name.startswith("adam")]) == 8
        assert "adam/iteration" in seen.names("update", step)
    assert any(name.endswith("seed_generator_state") for name in seen.names("rng", 0))
    assert not seen.not_observed


def test_what_is_evaluated_is_no_batch(train):
    assert train("eager").names("forward", 3) == ["evaluation/0"]


@pytest.mark.slow
def test_two_optimizers_in_one_function_step_in_their_order(train):
    seen = train("two_optimizers")
    assert seen.steps == 6
    for step in range(6):
        optimizer = "sgd" if step % 2 else "adam"
        assert {name.split("/")[0] for name in seen.names("update", step) if "/iteration" in name} == {optimizer}


@pytest.mark.slow
def test_steps_compiled_by_xla_are_counted_and_what_is_inside_is_said(train):
    seen = train("compiled")
    assert seen.steps == 3
    assert seen.not_observed == ["batch", "loss", "gradient"]
    assert len(seen.names("update", 2)) == 8 + 2 + 12


@pytest.mark.slow
def test_a_loop_leaves_the_same_trace_twice(train):
    assert train("loop_in_a_function").rows == train("loop_in_a_function", attempt=2).rows
