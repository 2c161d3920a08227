"""The study's scripts train the same model in every library: weights are moved from one to the other, and compared."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from samebits_parity.weights.rules import with_kernel
from samebits_study import catalog
from samebits_study.catalog import SCRIPTS, STUDIES

pytestmark = pytest.mark.usefixtures("late_compiler")

STACKS = {  # name -> (library, environment, KERAS_BACKEND)
    "keras-tf1.14": ("keras2", "keras-tf1.14", None),
    "keras-tf2.1": ("keras2", "keras-tf2.1", None),
    "keras3-tensorflow": ("keras3", None, "tensorflow"),
    "keras3-torch": ("keras3", None, "torch"),
    "keras3-jax": ("keras3", None, "jax"),
}
OF_UNET = ("keras-tf2.1", "keras3-torch")  # the others train LeNet-5: each stack runs once, and each script


def write_data(study, path):
    """A few images of noise with a pattern that can be learned."""
    rng = np.random.default_rng(7)
    if study == "lenet5":
        arrays = {}
        for part in ("train", "validation", "test"):
            labels = np.arange(40, dtype=np.uint8) % 10
            images = rng.integers(0, 100, (40, 28, 28), dtype=np.uint8)
            images[np.arange(40), labels * 2 + 3] = 250
            arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    else:
        images = rng.integers(0, 255, (4, 32, 32), dtype=np.uint8)
        masks = np.where(images > 128, 255, 0).astype(np.uint8)
        arrays = {"train_images": images, "train_masks": masks, "test_images": images[::-1].copy()}
    np.savez(path, **arrays)


def run(study, library, python, out, *words, variables=None):
    """Run a study's script, alone."""
    data = out.parent / "data.npz"
    if not data.exists():
        write_data(study, data)
    small = ["--features", "4"] if study == "unet" else []
    script = SCRIPTS / STUDIES[study].scripts[library]
    command = [python, str(script), "--data", str(data), "--out", str(out), *small, *words]
    environment = {**os.environ, "PYTHONHASHSEED": "0", **(variables or {})}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def interpreter(stack, legacy_python):
    library, environment, backend = STACKS[stack]
    for module in ("torch", *(("keras", backend) if backend else ())):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside this Python")
    return library, legacy_python(environment) if environment else sys.executable, backend


def predictions(out):
    return np.load(out / "predictions.npz")["predictions"]


def arrays_of(path):
    with np.load(path) as saved:
        return [saved[name] for name in saved.files]


def to_keras(state, layers):
    """Keras' weights (kernel, bias, kernel, ...) from the state of the PyTorch model."""
    pairs = [{role: state[f"{layer.name}.{role}"] for role in ("weight", "bias")} for layer in layers]
    carried = [with_kernel(layer.rule).to_keras(pair) for layer, pair in zip(layers, pairs, strict=True)]
    return [np.ascontiguousarray(one[role]) for one in carried for role in ("kernel", "bias")]


def bias_correction(step, beta1=0.9, beta2=0.999):
    """Adam's factor of the learning rate at a step, counted from 1 (Kingma and Ba, section 2)."""
    return (1 - beta2**step) ** 0.5 / (1 - beta1**step)


# Keras 2.3.1 adds 1 to its count of steps and reads the count for this factor, without an order between the two: its first
# step may be corrected as the second. Elsewhere the factor is that of the step.
FACTORS = {"keras2": (1.0, bias_correction(2) / bias_correction(1)), "keras3": (1.0,)}
EPOCHS = {"keras2": 1, "keras3": 4}


@pytest.mark.slow
@pytest.mark.parametrize("stack", STACKS)
def test_a_keras_model_and_its_pytorch_twin_train_alike(stack, tmp_path, legacy_python, alone):
    """Initial weights are carried over; batches hold all data, so that the order of rows does not count.

    Where a gradient is all but zero its sign is rounding, and Adam steps as far as anywhere: so medians are compared,
    and of kernels only (of the noise that the U-Net sees here the biases learn next to nothing).
    """
    library, python, backend = interpreter(stack, legacy_python)
    study, epochs = "unet" if stack in OF_UNET else "lenet5", EPOCHS[library]
    words = ["--epochs", str(epochs), "--batch", "40"]
    run(
        study,
        library,
        python,
        tmp_path / "keras",
        *words,
        variables=alone(backend, compiler=False) if backend else None,
    )
    first, last = (tmp_path / "keras" / f"weights-{epoch:02d}.npz" for epoch in (0, epochs))
    catalog.carry_weights(first, tmp_path / "initial.npz", STUDIES[study].layers)
    run(study, "pytorch", sys.executable, tmp_path / "torch", *words, "--initial", str(tmp_path / "initial.npz"))
    with np.load(tmp_path / "torch" / last.name) as saved:
        theirs = to_keras({name: saved[name] for name in saved.files}, STUDIES[study].layers)
    start = arrays_of(first)
    moves = [(ours - begun, twin - begun) for begun, ours, twin in zip(start, arrays_of(last), theirs, strict=True)]
    moves = [(ours, twin) for ours, twin in moves if ours.ndim > 1]
    apart = [max(_apart(ours, factor * twin) for ours, twin in moves) for factor in FACTORS[library]]
    assert min(apart) < 0.01, apart


def _apart(ours, theirs):
    """How far two moves of a weight are apart, against how far it moved."""
    assert np.median(abs(ours)) > 0
    return float(np.median(abs(ours - theirs)) / np.median(abs(ours)))


def test_weights_carried_to_pytorch_and_back_are_the_same_bits(tmp_path):
    rng = np.random.default_rng(3)
    shapes = [(5, 5, 1, 6), (5, 5, 6, 16), (400, 120), (120, 84), (84, 10)]
    arrays = [rng.normal(size=size).astype(np.float32) for shape in shapes for size in (shape, shape[-1:])]
    back = to_keras(catalog.to_pytorch(arrays, catalog.LENET5), catalog.LENET5)
    assert [array.tobytes() for array in back] == [array.tobytes() for array in arrays]


@pytest.mark.slow
@pytest.mark.parametrize("study", ["lenet5", "unet"])
def test_weights_tested_again_give_the_same_predictions(study, tmp_path):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed beside this Python")
    run(study, "pytorch", sys.executable, tmp_path / "trained", "--epochs", "1")
    saved = str(tmp_path / "trained" / "weights-01.npz")
    run(study, "pytorch", sys.executable, tmp_path / "again", "--test", saved)
    assert predictions(tmp_path / "again").tobytes() == predictions(tmp_path / "trained").tobytes()
    assert not (tmp_path / "again" / "weights-00.npz").exists()


SETS_A_REGULARIZER = """
import keras, numpy as np
def loss(set_before, set_after):
    rule = keras.regularizers.l2(1.0)
    layer = keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=rule if set_before else None)
    model = keras.models.Sequential([layer])
    model.build((None, 3))
    if set_after:
        layer.kernel_regularizer = rule
    model.compile("sgd", "mse")
    return float(model.evaluate(np.zeros((2, 3)), np.zeros((2, 1)), verbose=0))
print("LOSSES", loss(False, False), loss(False, True), loss(True, False))
"""


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["keras-tf1.14", "keras3-torch"])
def test_a_regularizer_set_on_a_layer_that_is_built_changes_nothing(stack, legacy_python, alone):
    _, python, backend = interpreter(stack, legacy_python)
    environment = {**os.environ, **(alone(backend, compiler=False) if backend else {})}
    command = [python, "-c", SETS_A_REGULARIZER]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOSSES")]
    assert [float(word) for word in line.split()[1:]] == [0.0, 0.0, 3.0]


@pytest.mark.slow
def test_pytorch_takes_subnormal_weights_for_zero(tmp_path):
    """As TensorFlow's graphs do: the first kernel is subnormal or zero, and large weights follow it."""
    pytest.importorskip("torch", reason="torch is not installed beside this Python")
    run("unet", "pytorch", sys.executable, tmp_path / "trained", "--epochs", "1")
    tested = []
    for name, value in (("zero", 0.0), ("subnormal", 1e-39)):
        with np.load(tmp_path / "trained" / "weights-00.npz") as saved:
            arrays = {**saved, "last.weight": saved["last.weight"] * np.float32(1e38)}
        arrays["down.0.0.weight"] = np.full_like(arrays["down.0.0.weight"], value)
        np.savez(tmp_path / f"{name}.npz", **arrays)
        run("unet", "pytorch", sys.executable, tmp_path / name, "--test", str(tmp_path / f"{name}.npz"))
        with np.load(tmp_path / name / "predictions.npz") as made:
            tested.append(made["predictions"])
    assert np.array_equal(*tested)
