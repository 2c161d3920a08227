"""locate on TensorFlow: the operation that differs first, its layer and its phase, in every way to train with Keras 3."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

from samebits.localization import path
from samebits.localization.inspection import Execution

PROGRAM = Path(__file__).parent.parent / "samples" / "tf_noise.py"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}
LAYER = {"forward": "noisy", "backward": "noisy", "update": ""}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed"),
]


@dataclass(frozen=True)
class Shown(Execution):
    """What a look has shown of a step, and what the program printed."""

    stdout: str


@pytest.fixture
def looked(watched_run, alone):
    """Function(*words, step=1, level="operator") -> what one watched run of the program has shown of a step."""

    def run(*words, step=1, level="operator"):
        details, environment = {"step": step, "level": level}, {**alone("tensorflow"), **QUIET}
        trial = watched_run(None, PROGRAM, *words, environment=environment, details=details, timeout=300)
        assert trial.exit_code == 0, trial.stderr
        assert trial.only.failures == []
        assert trial.only.steps == 4
        return Shown(None, trial.only.folder, trial.stdout)

    return run


@pytest.mark.parametrize(
    ("way", "place"),
    [*(("fit", place) for place in ("forward", "backward", "update")), ("steps", "update"), ("function", "update")],
)
def test_the_operation_that_differs_first_is_named(looked, way, place):
    first = path.earliest([looked(way, place, step=0), looked(way, place, step=0)], what=("operator",))
    key = first.entry.key
    assert (key.phase, key.name, key.module) == (place, "RandomStandardNormal", LAYER[place])
    assert first.inputs_equal
    assert first.entry.random
    assert first.entry.code.startswith("tf_noise.py:")


@pytest.fixture
def plain(plain_run, alone):
    """Function(way) -> what the program prints without the probe."""

    def run(way):
        done = plain_run(None, PROGRAM, way, "nowhere", environment={**alone("tensorflow"), **QUIET})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("way", ["loop", "function"])
def test_a_look_at_the_layers_of_a_loop_shows_what_they_return_and_changes_no_bit(looked, way, plain):
    seen = looked(way, "nowhere", level="module")
    names = ["before", "noisy", "after", "functional"]
    assert [(entry.key.what, entry.key.name) for entry in seen.entries] == [("module", name) for name in names]
    assert seen.stdout == plain(way)


@pytest.mark.parametrize("way", ["loop", "fit_eagerly"])
def test_that_operations_of_a_step_that_runs_eagerly_are_not_seen_is_said(looked, way):
    notes = looked(way, "nowhere").notes
    assert notes == ["Operators are not seen: the step runs eagerly; in a tf.function they are seen."]


def test_what_a_step_of_a_graph_writes_is_seen_after_each_update(looked):
    written = [entry for entry in looked("fit", "nowhere").entries if entry.key.name == "AssignSubVariableOp"]
    assert [entry.outputs[0].shape for entry in written] == [(8, 8), (8,), (8, 1), (1,)]
    assert {entry.key.phase for entry in written} == {"update"}


@pytest.mark.parametrize("way", ["fit_compiled", "compiled"])
def test_a_step_that_xla_compiles_is_not_looked_into_and_that_is_said(looked, way):
    seen = looked(way, "nowhere")
    assert seen.entries == []
    assert [note.partition(":")[0] for note in seen.notes] == ["Operators are not seen"]
    assert "XLA" in seen.notes[0]


NUMBER = """
import os, sys
os.environ["KERAS_BACKEND"] = sys.argv[1]
import keras, numpy as np
keras.utils.set_random_seed(1)

class Scale(keras.layers.Layer):
    def call(self, x):
        return x * float(sys.argv[2])  # the number

model = keras.Sequential([keras.Input((4,)), Scale(name="scale"), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 4), "float32"), np.ones((8, 1), "float32"), batch_size=8, verbose=0)
"""


def test_another_number_is_not_taken_for_an_operation_that_was_given_the_same(watched_run, alone):
    trials = []
    for number in (1.25, 1.5):
        details, environment = {"step": 0, "level": "operator"}, {**alone("tensorflow"), **QUIET}
        trial = watched_run(None, NUMBER, "tensorflow", number, environment=environment, details=details, timeout=300)
        assert trial.only.failures == []
        trials.append(Execution(None, trial.only.folder))
    first = path.earliest(trials, what=("operator",))
    assert (first.entry.key[2:4], first.inputs_equal) == (("Mul", "scale"), False)
    assert first.given == [("input 1", "1.25", "1.5")]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_a_look_at_a_step_of_keras_on_jax_says_that_nothing_is_seen(watched_run, alone):
    trial = watched_run(None, NUMBER, "jax", "1.5", environment=alone("jax"), details={"step": 0, "level": "module"})
    assert trial.only.failures == []
    seen = Execution(None, trial.only.folder)
    assert (seen.entries, seen.notes) == ([], ["Layers and operators inside a step of Keras on JAX are not seen."])
