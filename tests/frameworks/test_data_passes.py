"""The steps with which a training begins a new pass over its data, and the steps between which it saves a file."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TORCH = """
import io
from concurrent.futures import ThreadPoolExecutor
import torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
train, rest = (DataLoader(TensorDataset(torch.randn(n, 4)), batch_size=4, num_workers=WORKERS) for n in (12, 8))
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for epoch in range(3):
    for number, (batch,) in enumerate(train):
        model(batch).pow(2).mean().backward()
        optimizer.step()
        if number == 1:
            with torch.no_grad():
                print(sum(float(model(other).sum()) for other, in rest))
    torch.save(model.state_dict(), "named.pt")
    with open("opened.pt", "wb") as file:
        torch.save(model.state_dict(), file)
    torch.save(model.state_dict(), io.BytesIO())
    ThreadPoolExecutor().submit(torch.save, 1, "beside.pt").result()
"""
KERAS = """
import numpy
try:
    import keras
except ImportError:
    from tensorflow import keras
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = numpy.ones((8, 3))
kept = keras.callbacks.ModelCheckpoint("kept.h5"), keras.callbacks.ModelCheckpoint("w.weights.h5", save_weights_only=True)
model.fit(x, x[:, :1], epochs=3, batch_size=4, validation_split=0.5, verbose=0, callbacks=list(kept))
model.fit(x, x[:, :1], batch_size=4, verbose=0)
"""


def begun(trial):
    assert trial.exit_code == 0, trial.stderr
    return [event["step"] for event in trial.only.events if event["event"] == "pass"]


def saved(trial):
    files = [event for event in trial.only.events if event["event"] == "wrote" and "step" in event]
    return [(Path(file["path"]).name, file["step"]) for file in files]


@pytest.mark.parametrize("workers", [0, 1])
def test_each_pass_of_a_loader_that_trains_is_told_and_no_evaluation(watched_run, torch_python, workers):
    trial = watched_run(torch_python, TORCH.replace("WORKERS", str(workers)))
    assert begun(trial) == [0, 3, 6]
    names = ("named.pt", "opened.pt") if torch_python == sys.executable else ()  # PyTorch 1.3 has no function to watch
    assert saved(trial) == [(name, step) for step in (3, 6, 9) for name in names]


def test_an_evaluation_after_an_epoch_belongs_to_the_first_step_of_the_next(watched_run, torch_python):
    program = TORCH.replace("WORKERS", "0").replace("        if number == 1:", "    else:\n        if True:")
    trial = watched_run(torch_python, program)
    assert begun(trial) == [0, 3, 6]
    evaluations = [row for row in trial.only.rows if row[2].startswith("evaluation/")]
    assert {(row[1], row[0]) for row in evaluations} == {("forward", 3), ("forward", 6), ("end", 9)}


def test_a_file_of_safetensors_is_told_also_if_safetensors_imports_pytorch(watched_run):
    pytest.importorskip("safetensors.torch")
    program = "from safetensors.torch import save_file" + TORCH.replace("WORKERS", "0")
    trial = watched_run(sys.executable, program + "save_file(model.state_dict(), filename='tensors')")
    assert saved(trial)[-1] == ("tensors", 9)


@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
def test_each_epoch_of_keras_is_told(watched_run, alone, backend):
    if find_spec("keras") is None or find_spec(backend) is None:  # importing Keras sets variables for later trials
        pytest.skip(f"keras or {backend} is not installed")
    trial = watched_run(sys.executable, KERAS, environment=alone(backend))
    assert begun(trial) == [0, 1, 2, 3]
    assert saved(trial) == [(name, step) for step in (1, 2, 3) for name in ("kept.h5", "w.weights.h5")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["keras-tf1.14", "keras-tf2.1"])
def test_each_epoch_of_old_keras_is_told(watched_run, legacy_python, name):
    trial = watched_run(legacy_python(name), KERAS)
    assert begun(trial) == [0, 1, 2, 3]
    assert [step for _, step in saved(trial)] == [1, 1, 2, 2, 3, 3]
