"""Values kept of real trainings, and weights set in them: what is kept changes no bit, and what is set is trained on."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from samebits_parity.train import runs
from samebits_parity.train.pairs import SAME, WeightPair
from samebits_parity.train.values import TrainingValues

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
KEPT = {"first": 0, "last": 3, "most": 1 << 24, "layers": True}

TORCH = """
import torch
torch.manual_seed(1)
torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
sgd = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(6, 3)
for step in range(3):
    loss = (net(x) ** 2).mean()
    sgd.zero_grad()
    loss.backward()
    sgd.step()
"""
KERAS = """
import keras, numpy
random = numpy.random.RandomState(1)
net = keras.Sequential([keras.layers.Dense(4, activation="tanh", input_shape=(3,)), keras.layers.Dense(1)])
net.set_weights([random.normal(size=weight.shape) for weight in net.get_weights()])
net.compile("sgd", "mse")
x = random.normal(size=(6, 3)).astype("float32")
net.fit(x, x[:, :1], batch_size=2, shuffle=False, verbose=0)
"""


class Shifted(TrainingValues):
    """A training whose weights are all larger by one."""

    def weight(self, step, name):
        return super().weight(step, name) + 1


OF_KERAS = ("keras3-tensorflow", "keras3-torch", "keras-tf1.14", "keras-tf2.1")


@pytest.fixture(params=["torch", "torch-1.3", *(pytest.param(name, marks=pytest.mark.slow) for name in OF_KERAS)])
def training(request, shared_run, legacy_python, alone, lean):
    """Function(**config) -> the one process of a training of three steps."""
    name, variables, python, program = request.param, lean, sys.executable, TORCH
    if name == "torch-1.3":
        python = legacy_python("pytorch-1.3")
    elif name.startswith("keras-"):
        python, program = legacy_python(name), KERAS
    elif name.startswith("keras3"):
        for module in ("keras", name[7:]):  # not imported here: TensorFlow tells its release to all that is started
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"{module} is not installed beside {sys.executable}")
        program, variables = KERAS, alone(name[7:], compiler=False)

    def run(**config):
        trial = shared_run(python, program, environment=variables, timeout=300, **config)
        assert trial.exit_code == 0, trial.stderr[-1000:]
        assert trial.only.failures == []
        return trial.only

    return run


def test_every_kind_is_kept_and_every_weight_starts_where_it_was_set(training, tmp_path):
    process = training(tensors=KEPT)
    seen = TrainingValues(process.folder)
    assert seen.steps == 3
    assert len(seen.weights) == 4
    for step in range(3):
        assert all(seen.names(step, kind) for kind in ("batch", "forward", "gradient", "update")), step
    pairs = [WeightPair(name, name, SAME, equal=True, trains=True) for name in seen.weights]
    feed = runs.write_feed(tmp_path / "feed", Shifted(seen.folder), seen, pairs, steps=range(-1, 3))
    fed = TrainingValues(training(tensors=KEPT, feed={"folder": str(feed)}).folder)
    for name in fed.weights:
        assert np.array_equal(fed.weight(-1, name), seen.weight(-1, name))  # as it was before it was set
        for step in range(3):
            moved = fed.weight(step, name) - seen.weight(step - 1, name) - 1
            assert np.abs(moved).max() < 0.9, (step, name)
    assert not np.array_equal(fed.value(0, "forward", "loss"), seen.value(0, "forward", "loss"))


def test_what_is_recorded_is_the_same_with_and_without_values(training):
    with_values, without = (observed(training(**more)) for more in ({"tensors": KEPT}, {}))
    assert with_values == without
    assert len({step for step, *_ in without}) >= 4


def observed(process):
    """All that was recorded but random states, which no program here seeds."""
    return [row for row in process.rows if row[1] != "rng"]
