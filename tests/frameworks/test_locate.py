"""locate on real programs: what it names, what it answers where there is nothing, and that looking changes no bit."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from samebits.localization import path, phrases
from samebits.localization.inspection import Execution

EXAMPLES = Path(__file__).parents[2] / "examples"
NOISE = """
import os, torch
from torch import nn
torch.manual_seed(0)

class Noise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return g + int.from_bytes(os.urandom(3), "big") / 2 ** 24

class Noisy(nn.Module):
    def forward(self, x):
        return Noise.apply(x)

net = nn.Sequential(nn.Linear(4, 4), Noisy(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
"""
SEEDED = NOISE.replace('int.from_bytes(os.urandom(3), "big") / 2 ** 24', "0")


@pytest.fixture
def noisy(samebits, tmp_path, torch_here, late_compiler):
    (tmp_path / "train.py").write_text(NOISE)
    assert samebits("check", "-n", 2, "--out", "record", "train.py", cwd=tmp_path).returncode == 1
    return tmp_path


@pytest.fixture
def torch_here():
    pytest.importorskip("torch")


@pytest.mark.slow(seconds=20)
def test_the_module_whose_gradient_differs_first_is_named_and_kept_in_the_record(samebits, noisy):
    done = samebits("locate", "--json", "found.json", "record", cwd=noisy)
    assert done.returncode == 1, done.stderr
    found = json.loads((noisy / "found.json").read_text())["location"]
    assert found["found"]
    assert (found["module"]["what"], found["module"]["name"], found["module"]["type"]) == ("gradient", "0", "Linear")
    assert found["operator"]["phase"] == "backward"
    assert [look["level"] for look in found["looks"]] == ["module", "operator"]
    assert [one["name"] for one in found["operator"]["given"]] == ["other"]  # the noise is a number of Python
    assert [place["level"] for place in found["path"]] == ["step", "phase", "module", "given", "tensor"]
    assert [apart["step"] for apart in found["growth"]][-1] == 2
    assert json.loads((noisy / "record" / "locate.json").read_text()) == found
    assert not (noisy / "record" / "locate").exists()
    shown = samebits("report", "record", "--html", "page.html", cwd=noisy)
    assert "located: They diverge at step 0 > backward" in shown.stdout
    assert 'class="tree"' in (noisy / "page.html").read_text()


VARYING = """
import os
from samebits_probe import observe
for step in range(2):
    observe("weights", os.urandom(4).hex() if step else 1.0, step=step)
"""


def test_a_command_that_no_longer_runs_is_an_error_for_people(samebits, tmp_path):
    (tmp_path / "train.py").write_text(VARYING)
    assert samebits("check", "-n", 2, "--out", "record", "train.py", cwd=tmp_path).returncode == 1
    (tmp_path / "train.py").unlink()
    done = samebits("locate", "record", cwd=tmp_path)
    assert done.returncode == 2
    assert "train.py" in done.stderr


def trained(process):
    """All records but the states of generators that the program neither seeds nor uses."""
    return [row for row in process.rows if row[1:3] not in (("rng", "python"), ("rng", "numpy"))]


@pytest.mark.parametrize("level", ["module", "operator"])
def test_a_training_that_is_looked_into_has_the_same_bits(torch_python, watched_run, shared_run, level):
    plain = shared_run(torch_python, SEEDED).only
    seen = watched_run(torch_python, SEEDED, details={"step": 1, "level": level}).only
    assert seen.failures == []
    assert trained(seen) == trained(plain)
    assert (seen.folder / "details.jsonl").stat().st_size > 0
    assert not (plain.folder / "details.jsonl").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["keras-tf1.14", "keras-tf2.1"])
@pytest.mark.parametrize("order", ["shipped", "read-first"])
def test_reads_and_writes_without_an_order_are_found_in_keras_2(legacy_python, watched_run, tmp_path, stack, order):
    for name in ("keras2_adam_order.py", "lenet5_keras2.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    program, details = tmp_path / "keras2_adam_order.py", {"step": 0, "level": "module"}
    trial = watched_run(legacy_python(stack), program, "--order", order, "--steps", "1", details=details)
    assert trial.only.failures == []
    lines = [json.loads(text) for text in (trial.only.folder / "details.jsonl").read_text().splitlines()]
    assert [one["name"] for one in lines if one["what"] == "module"][:2] == ["conv2d_1", "max_pooling2d_1"]
    unordered = [one["name"] for one in lines if one["what"] == "access"]
    assert unordered == (["Adam/iterations"] if order == "shipped" else [])


@pytest.mark.slow
def test_one_thread_takes_effect_in_the_example_on_tensorflow_2_1(legacy_python, tmp_path):
    asks = f"""import runpy, sys
sys.argv, sys.path[:0] = ["x", "--steps", "1", "--threads", "one"], [{str(EXAMPLES)!r}]
runpy.run_path({str(EXAMPLES / "keras2_adam_order.py")!r}, run_name="__main__")
from tensorflow.python.eager import context
settings = context.context().config
assert (settings.intra_op_parallelism_threads, settings.inter_op_parallelism_threads) == (1, 1), settings"""
    done = subprocess.run([legacy_python("keras-tf2.1"), "-c", asks], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


GIVEN = """
import os, sys, torch
import numpy as np
torch.manual_seed(0)
number = float(sys.argv[2])

class Block(torch.nn.Linear):
    def forward(self, x):
        return torch.tanh(super().forward(x))

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList([Block(4, 4) for _ in range(3)])
        self.head = torch.nn.Linear(4, 1)

    def forward(self, x):
        for place, block in enumerate(self.blocks):
            if sys.argv[1] != "skip" or place != int(number):
                x = block(x)
        if sys.argv[1] == "scale":
            x = x * number
        if sys.argv[1] == "array":
            x = x + torch.from_numpy(np.full(4, number, "float32"))
        if sys.argv[1] == "drop":
            torch.manual_seed(int(number))
            x = torch.nn.functional.dropout(x, 0.5)
        if sys.argv[1] == "rows":
            rows = torch.empty(2, 4)
            for place in range(2):
                rows[place] = x[place]
            x = rows * number
        return self.head(x)

net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=number if sys.argv[1] == "rate" else 0.1)
for _ in range(2):
    optimizer.zero_grad()
    net(torch.ones(2, 4)).sum().backward()
    optimizer.step()
"""


@pytest.fixture
def parted(shared_run, torch_here, lean):
    """Function(way, number, another) -> where two runs of GIVEN diverge in what operators do."""

    def run(way, *numbers):
        details = {"step": 0, "level": "operator"}
        trials = [
            shown(shared_run(sys.executable, GIVEN, way, number, environment=lean, details=details))
            for number in numbers
        ]
        return path.earliest(trials, what=("operator",))

    return run


def test_another_number_that_an_operator_of_pytorch_is_given_is_named(parted):
    first = parted("scale", 1.03, 0.97)
    assert (first.entry.key[:4], first.given) == (("forward", "operator", "aten::mul", ""), [("other", "1.03", "0.97")])
    assert first.entry.code.startswith("program.py:")
    first = parted("rate", 0.1, 0.2)
    assert (first.entry.key[:3], [name for name, _, _ in first.given]) == (
        ("update", "operator", "aten::addcdiv_"),
        ["value"],
    )


@pytest.mark.slow
def test_an_array_from_outside_of_pytorch_is_no_operators(parted):
    first = parted("array", 1, 2)
    assert (first.entry.key.name, first.given, first.inputs_equal) == ("aten::add", [], False)


@pytest.mark.slow
def test_a_random_operator_that_overwrites_uninitialised_memory_does_not_read_it(parted):
    first = parted("drop", 1, 7)
    assert (first.entry.key.name, first.reads, first.inputs_equal) == ("aten::bernoulli_", None, True)


@pytest.mark.slow
def test_memory_that_is_filled_row_by_row_is_not_the_cause(parted):
    first = parted("rows", 1.5, 2.5)
    assert (first.entry.key.name, first.given) == ("aten::mul", [("other", "1.5", "2.5")])


@pytest.mark.slow
def test_trials_of_pytorch_that_call_other_modules_did_not_do_the_same(parted):
    found = parted("skip", 0, 1)
    assert isinstance(found, path.Unlike)
    assert (found.entry.key.module, found.other.key.module) == ("blocks.1", "blocks.0")
    modules = path.earliest(found.trials, what=path.MODULES)
    assert phrases.unlike_words(modules) == "one trial calls blocks.1, the other calls blocks.0"


def shown(trial):
    """What a look has shown of a step."""
    assert trial.only.failures == []
    return Execution(None, trial.only.folder)


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["keras-tf1.14", "keras-tf2.1"])
def test_a_look_at_a_loop_with_a_tape_says_that_nothing_is_seen_in_old_tensorflow(legacy_python, watched_run, stack):
    program, details = (
        Path(__file__).parent.parent / "samples" / "tfkeras_legacy_tape.py",
        {"step": 1, "level": "module"},
    )
    seen = shown(watched_run(legacy_python(stack), program, details=details))
    assert (seen.entries, seen.notes) == (
        [],
        ["Layers and operators of a loop with GradientTape are not seen on this TensorFlow."],
    )


NOISE_IN_KERAS = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np, tensorflow as tf
keras.utils.set_random_seed(1)
tf.random.set_seed(int.from_bytes(os.urandom(3), "big"))

class Noise(keras.layers.Layer):
    def call(self, x):
        return x + 1e-3 * tf.raw_ops.RandomStandardNormal(shape=tf.shape(x), dtype="float32")

given = keras.Input((8,))
x = keras.layers.Dense(8, activation="relu", name="before")(given)
x = Noise(name="noisy")(x)
model = keras.Model(given, keras.layers.Dense(1, name="after")(x))
model.compile("sgd", "mse")
model.fit(np.ones((32, 8), "float32"), np.ones((32, 1), "float32"), batch_size=16, verbose=0, shuffle=False)
"""


@pytest.mark.slow
def test_the_operation_that_differs_first_is_named_in_keras_on_tensorflow(samebits, tmp_path, alone, monkeypatch):
    for module in ("keras", "tensorflow"):  # not imported here: TensorFlow 2 sets variables that 1.14 would inherit
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside {sys.executable}")
    monkeypatch.setenv("PYTHONPATH", alone("tensorflow")["PYTHONPATH"])
    (tmp_path / "train.py").write_text(NOISE_IN_KERAS)
    assert samebits("check", "-n", 2, "--out", "record", "train.py", cwd=tmp_path).returncode == 1
    done = samebits("locate", "record", cwd=tmp_path)
    named = "located: They diverge at step 0 > forward > noisy > RandomStandardNormal."
    assert named in done.stdout, done.stdout + done.stderr
