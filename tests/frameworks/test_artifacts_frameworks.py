"""Files that real frameworks save: two runs in two processes have the same content, and one changed value is found."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.store import fingerprint_file

TORCH = """
import sys, torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
opt = torch.optim.Adam(net.parameters())
for _ in range(2):
    opt.zero_grad(); net(torch.ones(4, 3) * torch.arange(4.).view(4, 1)).pow(2).sum().backward(); opt.step()
if len(sys.argv) > 2:
    net[0].bias.data[1] += 1
junk = [torch.zeros(n) for n in range(len(sys.argv[1]))]  # storages lie elsewhere
torch.save({"model": net.state_dict(), "opt": opt.state_dict(), "epoch": 3}, sys.argv[1])
"""
OLD_TORCH_FORM = TORCH.replace("sys.argv[1])\n", "sys.argv[1], _use_new_zipfile_serialization=False)\n")
WHOLE_MODEL = TORCH.split("torch.save")[0] + "torch.save(net, sys.argv[1])\n"
SCRIPTED = TORCH.split("torch.save")[0] + "torch.jit.script(net).save(sys.argv[1])\n"
EVERY_DTYPE = """
import sys, torch
has = lambda n: hasattr(torch, n) and (hasattr(torch, "view_as_real") or not n.startswith("complex"))
names = "float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool complex64 complex128 float8_e4m3fn"
found = {n: torch.arange(6).reshape(2, 3).to(getattr(torch, n)) for n in names.split() if has(n)}
found["view"] = torch.arange(10.)[2:8:3]
found["transposed"] = torch.arange(6.).reshape(2, 3).t()
found["whole"] = torch.arange(6.).reshape(2, 3).t().contiguous()
found["empty"] = torch.zeros(0, 3)
if len(sys.argv) > 2:
    found["float64"][1, 2] = 77
torch.save(found, sys.argv[1])
"""
KERAS = """
import os, sys
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import numpy as np
import keras
first = keras.layers.Dense(3, input_shape=(4,), name="one")
model = keras.models.Sequential([first, keras.layers.Dense(2, name="two")])
model.set_weights([np.full(w.shape, 0.5, "f4") for w in model.get_weights()])
model.compile(keras.optimizers.Adam(), "mse")
x = np.arange(32, dtype="f4").reshape(8, 4) / 32
model.train_on_batch(x, np.ones((8, 2), "f4"))
weights = [np.round(w, 2) for w in model.get_weights()]
if len(sys.argv) > 2:
    weights[1][0] += 1
model.set_weights(weights)
model.save(sys.argv[1])
"""


def save(python, program, path, *changed):
    done = subprocess.run(
        [python, "-c", program, str(path), *changed], capture_output=True, text=True, timeout=300, cwd=path.parent
    )
    assert done.returncode == 0, done.stderr[-2000:]
    file = fingerprint_file(path, True)
    assert file.error is None
    return file


def differing(a, b):
    return sorted(n for n in a.tensors.keys() | b.tensors.keys() if a.tensors.get(n) != b.tensors.get(n))


def today(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed here")
    return sys.executable


CASES = [
    pytest.param("torch", TORCH, ".pt", ["model.0.bias"], id="torch"),
    pytest.param("torch", OLD_TORCH_FORM, ".pth", ["model.0.bias"], id="torch, its older form"),
    pytest.param("torch", WHOLE_MODEL, ".pt", ["_modules.0._parameters.bias"], id="torch, a whole model"),
    pytest.param("torch", EVERY_DTYPE, ".pt", ["float64"], id="torch, every dtype"),
    pytest.param("keras", KERAS, ".keras", None, id="keras 3, .keras"),
    pytest.param("keras", KERAS, ".h5", None, id="keras 3, .h5"),
    pytest.param("pytorch-1.3", TORCH, ".pt", ["model.0.bias"], id="torch 1.3"),
    pytest.param("pytorch-1.3", WHOLE_MODEL, ".pth", ["_modules.0._parameters.bias"], id="torch 1.3, a whole model"),
    pytest.param("pytorch-1.3", EVERY_DTYPE, ".pt", ["float64"], id="torch 1.3, every dtype"),
    pytest.param("keras-tf1.14", KERAS, ".h5", None, id="keras 2.3.1 on TensorFlow 1.14"),
    pytest.param("keras-tf2.1", KERAS, ".h5", None, id="keras 2.3.1 on TensorFlow 2.1"),
]


@pytest.mark.parametrize(("stack", "program", "suffix", "changed"), CASES)
@pytest.mark.slow
def test_two_runs_save_the_same_content_and_one_changed_value_is_found(
    tmp_path, legacy_python, stack, program, suffix, changed
):
    python = today(stack) if stack in ("torch", "keras") else legacy_python(stack)
    one = save(python, program, tmp_path / f"one{suffix}")
    two = save(python, program, tmp_path / f"another-name{suffix}")
    three = save(python, program, tmp_path / f"three{suffix}", "changed")
    assert one.tensors == two.tensors
    assert len(one.tensors) > 3
    found = differing(one, three)
    assert found == changed if changed else len(found) == 1, found


@pytest.mark.filterwarnings("ignore")  # torch deprecates scripting; such files are still about
def test_scripted_modules_are_read(tmp_path):
    file = save(today("torch"), SCRIPTED, tmp_path / "scripted.pt")
    assert file.format == "torch"
    assert any(name.endswith("bias") for name in file.tensors)


def test_a_view_equals_its_copy(tmp_path):
    file = save(today("torch"), EVERY_DTYPE, tmp_path / "a.pt")
    assert file.tensors["transposed"] == file.tensors["whole"]
    assert file.tensors["float16"] != file.tensors["bfloat16"]


def test_the_older_and_the_newer_form_of_torch_hold_the_same_content(tmp_path):
    python = today("torch")
    new, old = save(python, TORCH, tmp_path / "new.pt"), save(python, OLD_TORCH_FORM, tmp_path / "old.pt")
    assert (new.format, old.format) == ("torch", "torch-legacy")
    assert new.tensors == old.tensors


def test_safetensors_of_its_own_library_are_read(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    numpy = pytest.importorskip("numpy")
    path = Path(tmp_path / "a.safetensors")
    safetensors.save_file({"a": numpy.ones((2, 3), "f4"), "b": numpy.zeros(4, "i8")}, path, {"epoch": "3"})
    file = fingerprint_file(path, True)
    assert (file.error, sorted(file.tensors)) == (None, ["__metadata__.epoch", "a", "b"])
