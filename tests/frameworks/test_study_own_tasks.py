"""Detection and regression: Keras and PyTorch have the same network."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from samebits_parity.weights.rules import CONVOLUTION, DENSE
from samebits_study import catalog
from samebits_study.catalog import SCRIPTS, STUDIES, Kernel

LAYERS = {
    "detection": tuple(Kernel(name, CONVOLUTION) for name in ("0", "2", "5", "7", "10", "12", "14")),
    "regression": tuple(Kernel(name, DENSE) for name in ("0", "2", "4")),
}
DATA = {"detection": ("--train", "16", "--test", "4"), "regression": ("--test", "100")}
STACKS = {  # study -> each a script, old and new: (library, environment, KERAS_BACKEND)
    "detection": (("keras2", "keras-tf2.1", None), ("keras3", None, "torch")),
    "regression": (("keras2", "keras-tf1.14", None), ("keras3", None, "jax")),
}


def needs(*modules):
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside {sys.executable}")


def run(python, script, *words, variables=None):
    command = [python, str(SCRIPTS / script), *map(str, words)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", **(variables or {})}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data of each study, small."""
    needs("sklearn", "torch")
    folder = tmp_path_factory.mktemp("data")
    for study, words in DATA.items():
        run(sys.executable, STUDIES[study].data, "--out", folder / f"{study}.npz", "--seed", "7", *words)
    return folder


@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize(("study", "stack"), [(study, stack) for study, stacks in STACKS.items() for stack in stacks])
def test_weights_that_keras_trained_predict_the_same_in_pytorch(study, stack, data, tmp_path, legacy_python, alone):
    """One epoch moves all weights. Carried to PyTorch, they give the predictions that they gave in Keras."""
    library, environment, backend = stack
    needs(*(("keras", backend) if backend else ()))
    python = legacy_python(environment) if environment else sys.executable
    words = ("--data", data / f"{study}.npz", "--out")
    run(python, STUDIES[study].scripts[library], *words, tmp_path / "keras", "--epochs", "1",
        variables=alone(backend) if backend else None)  # fmt: skip
    catalog.carry_weights(tmp_path / "keras" / "weights-01.npz", tmp_path / "carried.npz", LAYERS[study])
    run(
        sys.executable,
        STUDIES[study].scripts["pytorch"],
        *words,
        tmp_path / "torch",
        "--test",
        tmp_path / "carried.npz",
    )
    ours, theirs = (np.load(tmp_path / name / "predictions.npz")["predictions"] for name in ("keras", "torch"))
    assert ours.shape == theirs.shape
    assert np.abs(ours).max() > 0.01
    assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-4)
