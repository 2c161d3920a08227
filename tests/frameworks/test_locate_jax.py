"""locate on programs of Keras 3 on JAX: the operator, its layer, phase and line; and what looking leaves as it is."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("jax") is None or find_spec("keras") is None, reason="keras and jax are not both installed here"
)

BEGIN = """
import os
os.environ["KERAS_BACKEND"] = "jax"
import jax, keras, numpy as np
keras.utils.set_random_seed(1)
TINY = jax.ShapeDtypeStruct((), "float32")

def unlike(_=None):
    return np.float32(int.from_bytes(os.urandom(3), "big") / 2**34)
"""
FORWARD = """
class Noise(keras.layers.Layer):
    def call(self, x):
        return x + jax.pure_callback(unlike, TINY)  # here
"""
BACKWARD = """
@jax.custom_vjp
def passes(x):
    return x

def back(_, gradient):
    return (gradient + jax.pure_callback(unlike, TINY),)  # here

passes.defvjp(lambda x: (x, None), back)

class Noise(keras.layers.Layer):
    def call(self, x):
        return passes(x)
"""
UPDATE = """
class Noise(keras.layers.Layer):
    def call(self, x):
        return x * 2

class Unlike(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * 0.1 + jax.pure_callback(unlike, TINY))  # here
"""
END = """
given = keras.Input((8,))
x = keras.layers.Dense(8, activation="relu", name="before")(given)
x = Noise(name="noisy")(x)
model = keras.Model(given, keras.layers.Dense(1, name="after")(x))
model.compile(Unlike(0.1) if "Unlike" in globals() else "sgd", "mse")
model.fit(np.ones((32, 8), "float32"), np.ones((32, 1), "float32"), batch_size=16, verbose=0, shuffle=False)
"""
REPEATS = """
import os
os.environ["KERAS_BACKEND"] = "jax"
import jax, keras, numpy as np
keras.utils.set_random_seed(1)
called = []

class Told(keras.layers.Layer):
    def call(self, x):
        jax.debug.callback(lambda one: called.append(int(one)), 1)
        return x + jax.pure_callback(lambda: np.float32(called.append(2) or 0.5), jax.ShapeDtypeStruct((), "float32"))

layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.BatchNormalization(), keras.layers.MaxPooling2D()]
layers += [Told(name="told"), keras.layers.Reshape((3, 12)), keras.layers.LSTM(5), keras.layers.Dropout(0.5)]
model = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Dense(3, activation="softmax", name="last")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=STEPS)
generator = np.random.default_rng(0)
images, labels = generator.random((48, 8, 8, 1), "float32"), generator.integers(0, 3, 48)
tell = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: print("loss", logs["loss"]))
model.fit(images, labels, batch_size=8, verbose=0, shuffle=False, callbacks=[tell])
jax.effects_barrier()
print("calls", sorted(called))
for weight in model.get_weights():
    print("weights", *np.ravel(weight)[:3])
"""


def samebits(*words, cwd):
    command = [sys.executable, "-m", "samebits", *map(str, words)]
    environment = {**os.environ, "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase", "program", "layer"),
    [("forward", FORWARD, "noisy"), ("backward", BACKWARD, "noisy"), ("update", UPDATE, "")],
)
def test_the_operator_that_differs_first_is_named_with_its_layer_phase_and_line(tmp_path, phase, program, layer):
    text = BEGIN + program + END
    (tmp_path / "train.py").write_text(text)
    checked = samebits("check", "-n", 2, "--out", "record", "train.py", cwd=tmp_path)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    done = samebits("locate", "--json", "found.json", "record", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["location"]
    operator = found["operator"]
    assert (operator["phase"], operator["name"], operator["module"]) == (phase, "pure_callback", layer)
    line = 1 + text[: text.index("# here")].count("\n")
    assert operator["code"] == f"train.py:{line}"
    assert operator["inputs_equal"]
    inside = f"{layer} > " if layer else ""
    assert f"located: They part at step 0 > {phase} > {inside}pure_callback" in done.stdout, done.stdout
    assert any("were run one by one" in note for note in found["notes"])
    if phase == "forward":
        assert (found["module"]["name"], found["module"]["type"]) == ("noisy", "Noise")


def lines(seen, name):
    text = (seen.only.folder / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


def told(output):
    """[(word, numbers)] of what the program printed."""
    rows = [line.replace("[", "").replace("]", "").replace(",", "").split() for line in output.splitlines()]
    return [(word, [float(number) for number in numbers]) for word, *numbers in rows]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["module", "operator"])
@pytest.mark.parametrize("steps", [1, 2])
def test_a_step_that_is_looked_into_is_made_once_and_differs_by_rounding_at_most(watched_run, level, steps):
    program = REPEATS.replace("STEPS", str(steps))
    plain = watched_run(None, program)
    seen = watched_run(None, program, details={"step": 3, "level": level})
    assert (plain.exit_code, seen.exit_code) == (0, 0), seen.stderr
    assert not seen.only.failures
    assert seen.only.steps == plain.only.steps == 6
    before = [[record for record in one.only.records if record[0] < 3] for one in (plain, seen)]
    assert before[0] == before[1]
    for mine, theirs in zip(told(plain.stdout), told(seen.stdout), strict=True):
        assert mine[0] == theirs[0]
        assert mine[1] == pytest.approx(theirs[1], rel=1e-3, abs=1e-5)
    entries = lines(seen, "details.jsonl")
    if level == "module":
        called = [entry["name"] for entry in entries if entry["what"] == "module"]
        assert [name for name in called if name in ("told", "last")] == ["told", "last"]
        assert [entry["type"] for entry in entries if entry.get("name") == "last"] == ["Dense"]
    else:
        operators = [entry for entry in entries if entry["what"] == "operator"]
        assert {entry["phase"] for entry in operators} == {"forward", "backward", "update"}
        assert [entry["module"] for entry in operators if entry["name"] == "pure_callback"] == ["told"]
        assert any(entry.get("random") and entry["module"].startswith("dropout") for entry in operators)
        convolved = [entry["phase"] for entry in operators if entry["name"] == "conv_general_dilated"]
        assert convolved == ["forward", "backward"]


def test_what_keeps_operators_from_being_seen_is_said(watched_run):
    program = BEGIN + FORWARD + END.replace('"mse")', '"mse", run_eagerly=True)')
    seen = watched_run(None, program, details={"step": 0, "level": "operator"})
    assert (seen.exit_code, seen.only.failures) == (0, []), seen.stderr
    (note,) = lines(seen, "details.jsonl")
    assert note["what"] == "note"
    assert "the step is not compiled as a whole" in note["name"]
