"""Files that real frameworks save: two runs in two processes have the same content, and one changed value is found."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from saved_parts import differing, digests

from samebits.store import fingerprint_file

# Each is run twice: `python -c PROGRAM FOLDER` saves every form in a folder; with one more word, also with a value changed.
TORCH = """
import copy, pickle, sys, torch
folder, changes = sys.argv[1], [""] + ["-changed"] * (len(sys.argv) > 2)
today = hasattr(torch, "view_as_real")
has = lambda n: hasattr(torch, n) and (today or not n.startswith("complex"))
names = "float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool complex64 complex128 float8_e4m3fn"
dtypes = {n: torch.arange(6).reshape(2, 3).to(getattr(torch, n)) for n in names.split() if has(n)}
dtypes["view"] = torch.arange(10.)[2:8:3]
dtypes["transposed"] = torch.arange(6.).reshape(2, 3).t()
dtypes["whole"] = torch.arange(6.).reshape(2, 3).t().contiguous()
dtypes["empty"] = torch.zeros(0, 3)
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
opt = torch.optim.Adam(net.parameters())
for _ in range(2):
    opt.zero_grad(); net(torch.ones(4, 3) * torch.arange(4.).view(4, 1)).pow(2).sum().backward(); opt.step()
for changed in changes:
    if changed:
        net[0].bias.data[1] += 1
        dtypes["float64"][1, 2] = 77
    junk = [torch.zeros(n) for n in range(len(folder))]  # storages lie elsewhere
    state = {"model": net.state_dict(), "opt": opt.state_dict(), "epoch": 3}
    torch.save(state, folder + "/state" + changed + ".pt")
    torch.save(net, folder + "/model" + changed + ".pt")
    torch.save(dtypes, folder + "/dtypes" + changed + ".pt")
    for name, value, protocol in ("model", net, 4), ("dtypes", dtypes, 2):
        with open(folder + "/" + name + changed + ".pkl", "wb") as file:
            pickle.dump(value, file, protocol)
    if today:
        torch.save(state, folder + "/older" + changed + ".pth", _use_new_zipfile_serialization=False)
        torch.jit.script(copy.deepcopy(net)).save(folder + "/scripted" + changed + ".pt")
"""
KERAS = """
import os, sys
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import numpy as np
import keras
folder, changes = sys.argv[1], [""] + ["-changed"] * (len(sys.argv) > 2)
first = keras.layers.Dense(3, input_shape=(4,), name="one")
model = keras.models.Sequential([first, keras.layers.Dense(2, name="two")])
model.set_weights([np.full(w.shape, 0.5, "f4") for w in model.get_weights()])
model.compile(keras.optimizers.Adam(), "mse")
x = np.arange(32, dtype="f4").reshape(8, 4) / 32
model.train_on_batch(x, np.ones((8, 2), "f4"))
weights = [np.round(w, 2) for w in model.get_weights()]
for changed in changes:
    if changed:
        weights[1][0] += 1
    model.set_weights(weights)
    model.save(folder + "/model" + changed + ".h5")
    if keras.__version__ > "3":
        model.save(folder + "/model" + changed + ".keras")
"""
STACKS = {"torch": TORCH, "keras": KERAS, "pytorch-1.3": TORCH, "keras-tf1.14": KERAS, "keras-tf2.1": KERAS}
KERAS_STACKS = ("keras", "keras-tf1.14", "keras-tf2.1")


@pytest.fixture
def saved(shared, legacy_python, alone, lean):
    """Function(stack) -> the folders of two runs, in two processes, that saved every form; the second also changed."""

    def run(stack):
        python = today(stack) if stack in ("torch", "keras") else legacy_python(stack)
        own = {"torch": lean, "keras": alone("tensorflow")}.get(stack, {})

        def make(folder):
            for seed, (name, *changed) in enumerate((["one"], ["another-name", "changed"]), 1):
                (folder / name).mkdir()
                command = [python, "-c", STACKS[stack], str(folder / name), *changed]
                variables = {**os.environ, **own, "PYTHONHASHSEED": str(seed)}
                done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, cwd=folder)
                assert done.returncode == 0, done.stderr[-2000:]

        folder = shared(["saved", stack], make)
        return folder / "one", folder / "another-name"

    return run


def contents(path):
    file = fingerprint_file(path, True)
    assert file.error is None
    return file


def today(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed here")
    return sys.executable


FORMS = {
    "state.pt": "model.0.bias",
    "model.pt": "_modules.0._parameters.bias",
    "dtypes.pt": "float64",
    "model.pkl": "_modules.0._parameters.bias",
    "dtypes.pkl": "float64",
}  # what is changed
CASES = [
    *((stack, name, changed) for stack in ("torch", "pytorch-1.3") for name, changed in FORMS.items()),
    ("torch", "older.pth", "model.0.bias"),
    ("keras", "model.keras", None),
    *((stack, "model.h5", None) for stack in KERAS_STACKS),
]


@pytest.mark.parametrize(("stack", "name", "changed"), CASES)
def test_two_runs_save_the_same_content_and_one_changed_value_is_found(saved, stack, name, changed):
    first, second = saved(stack)
    one, two = contents(first / name), contents(second / name)
    three = contents(second / "-changed.".join(name.split(".")))
    assert digests(one) == digests(two)
    assert len(digests(one)) > 3
    found = differing(one, three)
    assert found == {changed} if changed else len(found) == 1, found


def test_scripted_modules_are_read(saved):
    one, two = (contents(folder / "scripted.pt") for folder in saved("torch"))
    assert one.format == "torch"
    assert any(name.endswith("bias") for name in digests(one))
    assert digests(one) == digests(two)  # torch writes constants in the order of a set
    changed = contents(saved("torch")[1] / "scripted-changed.pt")
    assert differing(one, changed)


def test_a_view_equals_its_copy(saved):
    file = contents(saved("torch")[0] / "dtypes.pt")
    assert digests(file)["transposed"] == digests(file)["whole"]
    assert digests(file)["float16"] != digests(file)["bfloat16"]


def test_the_older_and_the_newer_form_of_torch_hold_the_same_content(saved):
    folder, _ = saved("torch")
    new, old = contents(folder / "state.pt"), contents(folder / "older.pth")
    assert new.format == old.format == "torch"
    assert digests(new) == digests(old)


def test_a_plain_pickle_holds_the_same_tensors_as_torch_save(saved):
    folder, _ = saved("torch")
    plain, own = contents(folder / "dtypes.pkl"), contents(folder / "dtypes.pt")
    assert (plain.format, own.format) == ("pickle", "torch")
    assert digests(plain) == digests(own)


def test_safetensors_of_its_own_library_are_read(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    numpy = pytest.importorskip("numpy")
    path = Path(tmp_path / "a.safetensors")
    safetensors.save_file({"a": numpy.ones((2, 3), "f4"), "b": numpy.zeros(4, "i8")}, path, {"epoch": "3"})
    file = fingerprint_file(path, True)
    assert (file.error, sorted(digests(file))) == (None, ["__metadata__.epoch", "a", "b"])


EXPORT = """
import sys
import keras
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)])
if len(sys.argv) > 2:
    model.layers[1].bias.assign_add([0.0, 1.0])
model.export(sys.argv[1], verbose=False)
"""


@pytest.mark.slow(seconds=15)
def test_what_keras_exports_holds_the_same_tensors_whatever_their_order(tmp_path, alone):
    python, environment = today("tensorflow"), {**os.environ, **alone("tensorflow")}
    for name, *changed in (["one"], ["two"], ["three"], ["four"], ["other", "changed"]):
        command = [python, "-c", EXPORT, str(tmp_path / name), *changed]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    data, index = "variables/variables.data-00000-of-00001", "variables/variables.index"
    same, other = [tmp_path / name for name in ("one", "two", "three", "four")], contents(tmp_path / "other" / data)
    assert len({(folder / data).read_bytes() for folder in same}) > 1, (
        "Keras has a fixed order now: this test shows nothing"
    )
    files = [contents(folder / data) for folder in same]
    assert all(digests(file) == digests(files[0]) for file in files)
    assert files[0].format == "tensorflow"
    assert differing(files[0], other) == {"_all_variables", "variables/3"}
    assert digests(contents(same[0] / index)) == digests(contents(same[1] / index))


@pytest.fixture
def checkpoint(shared, alone):
    """The folder of a checkpoint of TensorFlow."""
    save = "import sys, tensorflow as tf; tf.train.Checkpoint(w=tf.Variable([1.0, 2.0])).write(sys.argv[1])"

    def make(folder):
        command = [today("tensorflow"), "-c", save, str(folder / "ckpt")]
        environment = {**os.environ, **alone("tensorflow")}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)

    return shared(["checkpoint"], make)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2] + data[-8:], lambda data: b"\xff" * 60 + data[-8:]]
)
def test_a_damaged_index_is_read_by_its_bytes(tmp_path, checkpoint, damage):
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    data, index = tmp_path / "ckpt.data-00000-of-00001", tmp_path / "ckpt.index"
    assert "w" in digests(contents(data))
    index.write_bytes(damage(index.read_bytes()))
    for path in (data, index):
        file = fingerprint_file(path, True)
        assert (file.format, list(digests(file))) == ("bytes", [""])
        assert file.error


def test_an_index_of_a_different_program_is_read_like_any_file(tmp_path):
    (tmp_path / "faiss.index").write_bytes(b"IxFI" + bytes(100))
    (tmp_path / "iris.data").write_text("5.1,3.5\n")
    assert [contents(tmp_path / name).format for name in ("faiss.index", "iris.data")] == ["bytes", "text"]


EVENTS = """
import sys, tensorflow as tf
for name, loss in (("a", 0.5), ("b", 0.5), ("c", 0.25)):
    with tf.summary.create_file_writer(sys.argv[1] + "/" + name).as_default():
        for step in range(3):
            tf.summary.write("loss", loss * step, step=step)
            tf.summary.write("note", f"epoch {step}", step=step)
    value = tf.compat.v1.Summary.Value(tag="acc", simple_value=loss)
    event = tf.compat.v1.Event(wall_time=tf.timestamp(), step=7, summary=tf.compat.v1.Summary(value=[value]))
    with tf.io.TFRecordWriter(sys.argv[1] + "/" + name + "/events.out.tfevents") as writer:
        writer.write(event.SerializeToString())
"""


def test_events_of_tensorboard_are_compared_by_tag_and_step_and_not_by_their_times(tmp_path, alone):
    command = [today("tensorflow"), "-c", EVENTS, str(tmp_path)]
    subprocess.run(command, env={**os.environ, **alone("tensorflow")}, check=True, capture_output=True, timeout=300)
    parts = [
        [contents(path).parts for path in sorted((tmp_path / name).iterdir(), key=lambda path: path.suffix == ".v2")]
        for name in "abc"
    ]
    digests = [{name: part.digest for file in files for name, part in file.items()} for files in parts]
    assert digests[0] == digests[1]
    assert {name for name in digests[0] if digests[0][name] != digests[2][name]} == {
        "step 1.loss", "step 2.loss", "step 7.acc",
    }  # fmt: skip
    assert parts[0][1]["step 2.loss"].shown == "1.0"
