"""Weights go from real Keras models to real PyTorch ones and back; where the two part, the first layer is named."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from samebits_parity.weights import models, report, transfer
from samebits_study.catalog import SCRIPTS

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
KERAS, PYTORCH = f"{SAMPLES / 'weights_keras3.py'}:", f"{SAMPLES / 'weights_pytorch.py'}:"

pytestmark = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(module) is None for module in ("keras", "torch", "tensorflow")),
        reason=f"Keras 3, TensorFlow and PyTorch are not all beside {sys.executable}",
    )
]


@pytest.fixture
def wanted(tmp_path, monkeypatch, alone):
    """Function(a, b, **fields) -> Wanted: both models are built in processes of their own."""
    monkeypatch.setenv("SCRIPTS", str(SCRIPTS))
    monkeypatch.setenv("PYTHONPATH", alone("torch", compiler=False)["PYTHONPATH"])

    def make(a, b, *, backend="torch", out="out.safetensors", weights=None, shapes=None, pythons=(None, None)):
        named = zip("AB", (a, b), pythons, strict=True)
        both = [models.asked(side, words, python, backend) for side, words, python in named]
        return transfer.TransferRequest(
            a=both[0], b=both[1], weights=weights, out=tmp_path / out, shapes=shapes, seed=2019
        )

    return make


@pytest.fixture
def move(wanted):
    """Function(a, b, **fields) -> the report."""
    return lambda a, b, **fields: report.report(transfer.move(wanted(a, b, **fields)))


def agreed(found):
    document = found.document
    assert document.verdict == "agree", (document.sentence, found.blocks[0])
    assert not document.not_matching
    assert not document.no_counterpart
    assert document.model_apart <= document.model_allowed
    return document


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keras", "pytorch", "layers", "backend", "back"),
    [("images", "Images", 14, "tensorflow", False), ("words", "Words", 10, "torch", True)],
)
def test_every_kind_of_layer_gives_the_same_outputs_in_the_other_library(move, keras, pytorch, layers, backend, back):
    a, b = KERAS + keras, PYTORCH + pytorch
    document = agreed(move(b, a, backend=backend) if back else move(a, b, backend=backend))
    assert len(document.layers) == layers
    assert all(one.agrees for one in document.layers if one.why != "not seen")


def test_a_model_of_its_own_class_is_told_what_goes_in_and_the_lines_shown_load_the_file(move, tmp_path):
    found = move(KERAS + "Volume", PYTORCH + "volume", shapes=[[5, 6, 4, 2]])
    document = agreed(found)
    assert [(one.a, one.b) for one in document.layers] == [("conv3d", "0"), ("dense", "2")]
    lines = [said for label, said in found.blocks[0].rows if label in ("load", "")]
    program = [f"import sys; sys.path.insert(0, {str(SAMPLES)!r})", "import weights_pytorch"]
    program += ["model = weights_pytorch.volume()", *lines, "print(model.state_dict()['2.bias'].tolist())"]
    done = subprocess.run([sys.executable, "-c", "\n".join(program)], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[0.0, 0.0, 0.0]", done.stderr


@pytest.mark.slow
def test_a_setting_that_is_wrong_is_named_at_the_first_layer_that_disagrees(move):
    document = move(KERAS + "small", PYTORCH + "Padding").document
    assert document.verdict == "differ"
    assert document.layers[document.first].b == "conv"
    assert ("padding", "same", [1, 1]) in [(one.setting, one.keras, one.pytorch) for one in document.likely]


@pytest.mark.slow
def test_a_cut_output_is_no_difference_and_the_last_activation_is_named(move):
    document = move(KERAS + "enlarging", PYTORCH + "Enlarging").document
    assert document.verdict == "differ"
    assert document.sentence.startswith("3 layers agree, but the models do not")
    assert document.layers[0].agrees is None
    assert "what follows agrees" in document.layers[0].why
    said = [(one.setting, one.keras, one.pytorch) for one in document.likely]
    assert said == [("activation", "tanh", "sigmoid")]


@pytest.mark.slow
def test_outputs_that_are_drawn_at_random_are_no_agreement(move, tmp_path):
    head = "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    body = "        self.first = torch.nn.Linear(6, 64)\n        self.last = torch.nn.Linear(64, 3)\n"
    run = "    def forward(self, x):\n        return self.last(torch.nn.functional.dropout(self.first(x), 0.3))\n"
    (tmp_path / "t.py").write_text(head + body + run)
    layers = "[keras.Input((6,)), keras.layers.Dense(64), keras.layers.Dense(3)]"
    (tmp_path / "k.py").write_text(f"import keras\ndef net():\n    return keras.Sequential({layers})\n")
    document = move(f"{tmp_path / 'k.py'}:net", f"{tmp_path / 't.py'}:Net").document
    assert document.verdict == "unknown", document.sentence
    assert "gives different outputs each time" in document.sentence


@pytest.mark.slow
def test_layers_without_a_counterpart_are_named_and_the_rest_goes_over(move):
    document = move(KERAS + "no_counterparts", PYTORCH + "OneOfEach").document
    assert document.verdict == "unknown", document.sentence
    why = {one.layer: one.why for one in document.no_counterpart}
    assert "reset_after=False" in why["gru"]
    assert any("complex weights" in said for said in why.values())
    assert {one.b for one in document.layers} == {"first", "gru", "last"}


@pytest.mark.slow
def test_the_study_s_unet_comes_back_from_pytorch_with_the_same_bits(wanted, tmp_path):
    there = transfer.move(wanted(KERAS + "unet", PYTORCH + "unet", out="pytorch.safetensors"))
    assert len(agreed(report.report(there)).layers) == 23
    file = tmp_path / "pytorch.safetensors"
    back = transfer.move(wanted(PYTORCH + "unet", KERAS + "unet", out="keras.safetensors", weights=file))
    agreed(report.report(back))
    carried, drawn = load_file(tmp_path / "keras.safetensors"), there.source
    assert len(carried) == len(drawn.weights) == 46
    for number, weight in enumerate(drawn.weights):
        assert carried[weight.name].tobytes() == drawn.arrays[number].tobytes(), weight.name
        assert carried[weight.name].shape == drawn.arrays[number].shape


@pytest.mark.slow
def test_the_stacks_of_the_paper(move, tmp_path, legacy_python):
    for name, text in (
        ("k.py", "import unet_keras\ndef net():\n    return unet_keras.unet(16, 2)\n"),
        ("t.py", "import unet_pytorch\ndef net():\n    return unet_pytorch.UNet(2)\n"),
    ):
        (tmp_path / name).write_text(text)
    for name in ("unet_keras.py", "unet_pytorch.py", "outcomes.py", "keras_parts.py", "pytorch_parts.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    pythons = (legacy_python("keras-tf2.1"), legacy_python("pytorch-1.3"))
    words = [f"{tmp_path / name}:net" for name in ("k.py", "t.py")]
    document = agreed(move(*words, pythons=pythons, out="u.npz", backend=None))
    assert (document.a.version, document.b.version) == ("Keras 2.3.1 on TensorFlow 2.1.0", "PyTorch 1.3.0")
    with np.load(tmp_path / "u.npz") as saved:
        assert len(saved.files) == 46
