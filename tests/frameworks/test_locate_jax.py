"""locate on programs of Keras 3 on JAX: the operator, its layer, phase and line; and what looking leaves as it is."""

import json
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("jax") is None or find_spec("keras") is None, reason="keras and jax are not both installed here"
)


@pytest.fixture(autouse=True)
def keras_alone(alone, monkeypatch):
    """Programs find Keras and JAX alone."""
    monkeypatch.setenv("PYTHONPATH", alone("jax")["PYTHONPATH"])


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
        return x + jax.pure_callback(unlike, TINY)  # forward
"""
EVERYWHERE = """
@jax.custom_vjp
def passes(x):
    return x

def back(_, gradient):
    return (gradient + jax.pure_callback(unlike, TINY),)

passes.defvjp(lambda x: (x, None), back)

class Noise(keras.layers.Layer):
    def call(self, x):
        return passes(x) + jax.pure_callback(unlike, TINY)  # forward

class Unlike(keras.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient * 0.1 + jax.pure_callback(unlike, TINY))  # update
"""
END = """
given = keras.Input((8,))
x = keras.layers.Dense(8, activation="relu", name="before")(given)
x = Noise(name="noisy")(x)
model = keras.Model(given, keras.layers.Dense(1, name="after")(x))
model.compile(Unlike(0.1) if "Unlike" in globals() else "sgd", "mse")
model.fit(np.ones((32, 8), "float32"), np.ones((32, 1), "float32"), batch_size=16, verbose=0)  # fit
"""
OWN_STEP = """
@jax.jit
def inner(x):
    return jax.numpy.sin(x)  # inside

class Noise(keras.layers.Layer):
    def call(self, x):
        return inner(inner(x) + 1)

class Own(keras.Model):
    def train_step(self, state, data):
        weights, others, optimizer, metrics = state
        def loss(weights):
            found, new = self.stateless_call(weights, others, data[0])
            return jax.numpy.mean((found - data[1]) ** 2), new  # loss
        (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
        weights, optimizer = self.optimizer.stateless_apply(optimizer, gradients, weights)
        return {"loss": value}, (weights, others, optimizer, metrics)

keras.Model = Own
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
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=2)
generator = np.random.default_rng(0)
images, labels = generator.random((48, 8, 8, 1), "float32"), generator.integers(0, 3, 48)
tell = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: print("loss", logs["loss"]))
model.fit(images, labels, batch_size=8, verbose=0, shuffle=False, callbacks=[tell])
jax.effects_barrier()
print("calls", sorted(called))
for weight in model.get_weights():
    print("weights", *np.ravel(weight)[:3])
"""


def line_of(text, phase):
    return str(1 + text[: text.index("# " + phase)].count("\n"))


@pytest.mark.slow
def test_the_operator_that_differs_first_is_named_with_its_layer_phase_and_line(samebits, tmp_path):
    text = BEGIN + FORWARD + END
    (tmp_path / "train.py").write_text(text)
    checked = samebits("check", "-n", 2, "--out", "record", "train.py", cwd=tmp_path)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    done = samebits("locate", "--json", "found.json", "record", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["location"]
    assert (found["module"]["name"], found["module"]["type"]) == ("noisy", "Noise")
    operator = found["operator"]
    assert (operator["phase"], operator["name"], operator["module"]) == ("forward", "pure_callback", "noisy")
    assert operator["code"] == "train.py:" + line_of(text, "forward")
    assert operator["inputs_equal"]
    assert "located: They diverge at step 0 > forward > noisy > pure_callback." in done.stdout, done.stdout
    assert any("were run one by one" in note for note in found["notes"])


def test_phases_layers_and_lines_of_operators_are_those_of_the_program(watched_run):
    text = BEGIN + EVERYWHERE + END
    seen = watched_run(None, text, details={"step": 0, "level": "operator"})
    assert (seen.exit_code, seen.only.failures) == (0, []), seen.stderr
    found = [entry for entry in lines(seen, "details.jsonl") if entry["name"] == "pure_callback"]
    phases = ["forward", "backward"] + ["update"] * 4
    assert [entry["phase"] for entry in found] == phases
    marks = ["forward", "forward"] + ["update"] * 4  # JAX knows what goes backward by the line that went forward
    assert [entry["code"] for entry in found] == ["program.py:" + line_of(text, mark) for mark in marks]
    assert [entry.get("module", "") for entry in found] == ["noisy", "noisy"] + [""] * 4
    multiplied = [e for e in lines(seen, "details.jsonl") if e["name"] == "dot_general" and e["phase"] == "forward"]
    assert [entry["module"] for entry in multiplied] == ["before", "after"]
    assert {entry["code"] for entry in multiplied} == {"program.py:" + line_of(text, "fit")}
    assert len(multiplied[0]["inputs"]) == 2


def lines(seen, name):
    text = (seen.only.folder / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


def told(output):
    """[(word, numbers)] of what the program printed."""
    rows = [line.replace("[", "").replace("]", "").replace(",", "").split() for line in output.splitlines()]
    return [(word, [float(number) for number in numbers]) for word, *numbers in rows]


@pytest.mark.slow
def test_a_step_that_is_looked_into_is_made_once_and_differs_by_rounding_at_most(watched_run):
    plain = watched_run(None, REPEATS)
    assert ("calls", [1] * 6 + [2] * 6) in told(plain.stdout)  # neither is run again to see what watching changes
    for level, check in (("module", layers_are_seen), ("operator", operators_are_seen)):
        seen = watched_run(None, REPEATS, details={"step": 3, "level": level})
        assert (plain.exit_code, seen.exit_code) == (0, 0), seen.stderr
        assert not seen.only.failures
        assert seen.only.steps == plain.only.steps == 6
        before = [[row for row in one.only.rows if row[0] < 3] for one in (plain, seen)]
        assert before[0] == before[1]
        for mine, theirs in zip(told(plain.stdout), told(seen.stdout), strict=True):
            assert mine[0] == theirs[0]
            assert mine[1] == pytest.approx(theirs[1], rel=1e-3, abs=1e-5)
        check([entry for entry in lines(seen, "details.jsonl") if entry["what"] == level])


def layers_are_seen(called):
    assert [one["name"] for one in called if one["name"] in ("told", "last")] == ["told", "last"]
    assert [one["type"] for one in called if one["name"] == "last"] == ["Dense"]
    assert all(one["phase"] == "forward" for one in called)


def operators_are_seen(operators):
    assert {one["phase"] for one in operators} == {"forward", "backward", "update"}
    assert [one["module"] for one in operators if one["name"] == "pure_callback"] == ["told"]
    assert any(one.get("random") and one["module"].startswith("dropout") for one in operators)
    assert [one["phase"] for one in operators if one["name"] == "conv_general_dilated"] == ["forward", "backward"]
    assert {one["module"] for one in operators if one["name"] == "scan"} == {"lstm"}


@pytest.mark.slow
def test_functions_and_train_steps_of_the_programs_own_have_phases_and_lines(watched_run):
    text = BEGIN + OWN_STEP + END
    seen = watched_run(None, text, details={"step": 1, "level": "operator"})
    assert (seen.exit_code, seen.only.failures) == (0, []), seen.stderr
    entries = lines(seen, "details.jsonl")
    sines = [(entry["phase"], entry["module"], entry["code"]) for entry in entries if entry["name"] == "sin"]
    assert sines == [("forward", "noisy", "program.py:" + line_of(text, "inside"))] * 2
    at_loss = [entry for entry in entries if entry.get("code") == "program.py:" + line_of(text, "loss")]
    assert {entry["phase"] for entry in at_loss if entry["name"] in ("sub", "integer_pow", "square")} == {"forward"}
    assert {entry["phase"] for entry in at_loss} == {"forward", "backward"}


def test_what_keeps_operators_from_being_seen_is_said(watched_run):
    program = BEGIN + FORWARD + END.replace('"mse")', '"mse", run_eagerly=True)')
    seen = watched_run(None, program, details={"step": 0, "level": "operator"})
    assert (seen.exit_code, seen.only.failures) == (0, []), seen.stderr
    (note,) = lines(seen, "details.jsonl")
    assert note["what"] == "note"
    assert "the step is not compiled as a whole" in note["name"]


@pytest.mark.slow
def test_an_error_of_the_programs_own_in_the_step_stays_its_error(watched_run):
    program = (
        BEGIN.replace("    return np.float32", "    raise ValueError('its own')\n    return np.float32") + FORWARD + END
    )
    seen = watched_run(None, program, details={"step": 0, "level": "module"})
    assert seen.exit_code == 1
    assert "ValueError: its own" in seen.stderr
    assert "look into a step" not in [failure["where"] for one in seen.processes for failure in one.failures]
