"""`samebits compare --same-weights` with real models finds only differences other than those of the initial weights."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from samebits import cli

TORCH = """
import torch
torch.manual_seed({seed})
net = torch.nn.Sequential()
for name, layer in ({layers}):
    net.add_module(name, layer)
sgd = torch.optim.SGD(net.parameters(), lr={rate}, momentum=0.9)
x = torch.linspace(-1, 1, 18).reshape(6, 3)
for step in range(3):
    loss = (net(x) ** 2).mean()
    sgd.zero_grad()
    loss.backward()
    sgd.step()
"""
LAYERS = "('one', torch.nn.Linear(3, 4)), ('norm', torch.nn.BatchNorm1d(4)), ('last', torch.nn.Linear(4, 1))"
KERAS = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy
keras.utils.set_random_seed({seed})
net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="{name}"), keras.layers.Dense(1)], name="net")
net.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
x = numpy.linspace(-1, 1, 18, dtype="f").reshape(6, 3)
net.fit(x, x[:, :1], batch_size=3, shuffle=False, verbose=0)
"""
JAX = """
import jax
params = {{"{name}": jax.random.normal(jax.random.PRNGKey({seed}), (3, 4))}}
train_step = jax.jit(lambda params: ({{"{name}": params["{name}"] * 0.9}}, params["{name}"].sum()))
for step in range(3):
    params, loss = train_step(params)
"""
WAS_SET = "samebits set the initial weights of the second side to those of the first one"
USUAL = {"seed": 1, "layers": LAYERS, "rate": 0.1}


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys, late_compiler):
    """Function(program, program) -> (status, what was said) for a comparison of two commits with these programs."""
    monkeypatch.chdir(tmp_path)

    def run(*programs):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run([*git, "init", "-q"], check=True)
        (tmp_path / ".gitignore").write_text(".samebits\n")
        for program in programs:
            (tmp_path / "train.py").write_text(program)
            subprocess.run([*git, "add", "-A"], check=True)
            subprocess.run([*git, "commit", "-qm", "A change"], check=True)
        words = ["--commits", "HEAD~1", "HEAD", "--same-weights", "-n", "2", "--", sys.executable, "train.py"]
        status = cli.main(["compare", *words])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.mark.slow(seconds=40)
@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"layers": LAYERS.replace("'one'", "'stem'")}, 0, "one = stem"),
        ({"rate": 0.2}, 1, "step 0 > update > "),
        ({"layers": f"{LAYERS}, ('new', torch.nn.Linear(1, 1))"}, 1, "only the second record has these layers: new"),
        ({"layers": "('one', torch.nn.Linear(3, 5)),"}, 2, "no layer has the same shapes on both sides"),
    ],
)
def test_only_what_differs_beside_the_initial_weights_is_found(compare, changes, status, said):
    found, text = compare(TORCH.format(**USUAL), TORCH.format(**{**USUAL, "seed": 2, **changes}))
    assert found == status, text
    assert said in text
    assert (WAS_SET in text) == (status < 2)


@pytest.mark.slow(seconds=60)
@pytest.mark.parametrize(
    ("library", "text", "status", "said"),
    [
        ("keras", KERAS, 0, "aligned by order and shape: net/first = net/stem"),
        ("jax", JAX, 2, "samebits can set weights of PyTorch, and of Keras on TensorFlow or PyTorch, but not params"),
    ],
)
def test_weights_of_keras_are_set_and_those_of_jax_are_refused(compare, library, text, status, said):
    if find_spec(library) is None:  # importing Keras sets variables for the tests that follow
        pytest.skip(f"{library} is not installed")
    answer, output = compare(text.format(seed=1, name="first"), text.format(seed=2, name="stem"))
    assert answer == status, output
    assert said in output
