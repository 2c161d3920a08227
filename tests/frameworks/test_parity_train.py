"""Keras 3 against PyTorch, step by step: twins agree, and every default that is planted is named."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from samebits_parity import train
from samebits_parity.train import explanation, runs
from samebits_parity.train.pairs import Pairer
from samebits_parity.train.runs import TrainRequest
from samebits_parity.train.values import TrainingValues
from samebits_parity.train.verdict import judge
from samebits_probe import wire

ROOT = Path(__file__).resolve().parents[2]
SAMPLES, EXAMPLES = ROOT / "tests" / "samples", ROOT / "examples" / "parity"

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason=f"torch is not installed beside {sys.executable}")

STEPS = 12  # of the networks of the study
MANY = 100  # steps: more than any child makes, since the first child that is stopped would end them all
# name of what is left unmatched: (kind and name of the first divergence, the default that is named, if any)
PLANTED = {
    "bias-initialisation": ("start", "sequential/first/bias", None),
    "scaling": ("batch", "0", None),
    "padding": ("forward", "first", "padding"),
    "batchnorm-epsilon": ("forward", "batch_normalization", "epsilon"),
    "leaky-slope": ("forward", "leaky_re_lu", "slope"),
    "gelu": ("forward", "second", "approximation"),
    "pooling": ("forward", "max_pooling2d", "pooling"),
    "dropout": ("forward", "last", "dropout"),
    "reduction": ("forward", "loss", "reduction"),
    "label-smoothing": ("forward", "loss", "label smoothing"),
    "softmax-twice": ("forward", "loss", "from_logits"),
    "penalty": ("forward", "loss", "L2"),
    "clip-norm": ("gradient", "sequential/first/kernel", None),
    "adam-epsilon": ("update", "sequential/first/kernel", "epsilon"),
    "epsilon-place": ("update", "sequential/first/kernel", "epsilon's place"),
    "learning-rate": ("update", "sequential/first/kernel", "learning rate"),
    "betas": ("update", "sequential/first/kernel", "betas"),
    "l2-in-gradient": ("update", "sequential/first/kernel", "weight decay"),
    "batchnorm-momentum": ("update", "sequential/batch_normalization/moving_mean", "batch norm's momentum"),
    "unbiased-variance": ("update", "sequential/batch_normalization/moving_variance", None),
}
# the same for the study's networks
OF_LENET5 = {
    "adam": ("update", "epsilon"), "padding": ("forward", "padded with"), "pooling": ("forward", "pooling"),
    "smoothing": ("forward", "label smoothing"), "reduction": ("forward", "reduction"),
    "decay": ("update", "weight decay"),
}  # fmt: skip
OF_UNET = {
    "adam": ("update", "epsilon"), "rate": ("update", "learning rate"), "penalty": ("forward", "L2"),
    "decay": ("forward", "L2"), "sigmoid": ("forward", "from_logits"), "slope": ("forward", "activation"),
}  # fmt: skip


def need_keras():
    """Skip without Keras on TensorFlow; neither is imported here."""
    for module in ("keras", "tensorflow"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside {sys.executable}")


def words(*parts):
    return [sys.executable, *map(str, parts)]


def asked(folder, a, b, **more):
    return TrainRequest(a=a, b=b, folder=folder, directory=folder, **more)


def carried(folder, program, option):
    """A program beside itself with a different seed and an option, three steps from the weights of the first."""
    (folder / "net.py").write_text(program)
    both = asked(folder, words("net.py", 1), words("net.py", 2, option), steps=3, carry=True)
    return train.compare(both).document


def children(folder):
    """What each forked child of B showed, in the order in which they were started."""
    processes = sorted((folder / "B" / "trials" / "001" / wire.PROCESSES).iterdir())
    return [TrainingValues(process) for process in processes if (process / wire.TENSOR_ROWS).is_file()]


def found(a, b):
    """(first point, the defaults named, whether each weight has its twin)."""
    pairs, left = Pairer(a, b).pairs()
    assert not left
    judged = judge(a, b, pairs, single=False, carried=False)
    first = judged.first
    return first, [reason.id for reason in explanation.reasons(judged, first)] if first else []


@pytest.fixture(scope="module")
def keras_alone(alone):
    """In this module a program finds TensorFlow, Keras and PyTorch alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", alone("tensorflow", compiler=False)["PYTHONPATH"])
        yield


@pytest.fixture(scope="module")
def planted(tmp_path_factory, keras_alone):
    """{name: (first point, defaults named)} of the tiny twins; "nothing": with everything matched."""
    need_keras()
    folder, names = tmp_path_factory.mktemp("tiny"), ["nothing", *PLANTED]
    b = words(SAMPLES / "parity_pytorch.py", "--leave", ",".join(names))
    both = asked(folder, words(SAMPLES / "parity_keras3.py"), b, steps=3)
    a = runs.train(both, "A", 3)
    runs.train(both, "B", MANY)
    return {name: found(a, b) for name, b in zip(names, children(folder), strict=True)}


@pytest.mark.slow
def test_twins_with_everything_matched_agree(planted):
    assert planted["nothing"] == (None, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_default_is_named_where_it_first_shows(planted, name):
    first, ids = planted[name]
    kind, of, default = PLANTED[name]
    assert (first.kind, first.name) == (kind, of)
    assert default in ids or (default, ids) == (None, [])


@pytest.fixture(scope="module", params=["lenet5", "unet"])
def network(request, tmp_path_factory, keras_alone):
    """(name, folder with its data, what Keras showed in all steps)."""
    need_keras()
    folder = tmp_path_factory.mktemp(request.param)
    for name, batches in (("data", STEPS), ("short", 2)):  # the second one begins as the first one does
        made = words(EXAMPLES / "make_data.py", request.param, folder / f"{name}.npz", "--batches", batches)
        subprocess.run(made, check=True)
    a = words(EXAMPLES / f"{request.param}_keras3.py", "data.npz")
    return request.param, folder, runs.train(asked(folder, a, a), "A", STEPS)


@pytest.mark.slow
def test_the_study_s_networks_agree_in_every_single_step(network):
    name, folder, a = network
    b = words(EXAMPLES / f"{name}_pytorch.py", "data.npz")
    document = train.against(asked(folder, b, b, single=True), a).document
    assert document.verdict == "agree", document.sentence
    assert document.steps == STEPS
    assert max(one.relative for one in document.largest if one.kind in ("forward", "gradient")) < 1e-5


@pytest.mark.slow
def test_each_default_left_as_it_is_in_the_study_s_networks_is_named(network):
    name, folder, a = network
    wanted = OF_LENET5 if name == "lenet5" else OF_UNET
    script = EXAMPLES / f"{name}_pytorch.py"
    b = words(SAMPLES / "runs_each.py", script, "short.npz", ",".join(wanted))
    runs.train(asked(folder, b, b), "B", MANY)
    for leave, training in zip(wanted, children(folder), strict=True):
        first, ids = found(a, training)
        kind, default = wanted[leave]
        assert first is not None, leave
        assert (leave, first.kind) == (leave, kind)
        assert default in ids, (leave, ids)


@pytest.fixture
def run(samebits, tmp_path):
    """Function(*words) -> of the command itself: (exit status, standard output, standard error)."""

    def ran(*words):
        done = samebits("parity", "train", *words, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return ran


PROGRAM = """
import torch
torch.manual_seed(1)
net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
BEFORE
for step in range(5):
    sgd.param_groups[0]["lr"] = RATE
    x = torch.randn(6, 4)
    loss = torch.nn.functional.mse_loss(net(x), x.sum(1, keepdim=True))
    sgd.zero_grad()
    loss.backward()
    sgd.step()
"""


def program(folder, name, rate="0.1", before=""):
    """A training of five steps in PyTorch, as a command."""
    (folder / name).write_text(PROGRAM.replace("RATE", rate).replace("BEFORE", before))
    return words(name)


@pytest.fixture(scope="module")
def sgd(tmp_path_factory):
    """Function(B's program, **more) -> the document of a comparison with one training of A."""
    folder = tmp_path_factory.mktemp("sgd")
    a = program(folder, "a.py")
    seen = runs.train(asked(folder, a, a), "A", 50)
    return lambda name, *b, **more: train.against(asked(folder, a, program(folder, name, *b), **more), seen).document


def test_a_training_agrees_with_itself_in_single_steps(sgd):
    document = sgd("same.py", single=True)
    assert document.sentence.startswith("They agree to rounding in 5 steps, each of which begins with A's weights")
    assert (document.first, len(document.pairs)) == (None, 4)


@pytest.mark.slow
def test_a_learning_rate_that_falls_later_is_found_in_its_step(sgd):
    document = sgd("falls.py", "0.1 if step < 3 else 0.05", single=True)
    assert (document.first.step, document.first.kind) == (3, "update")


@pytest.mark.slow
def test_other_initial_weights_are_the_first_divergence_unless_they_are_carried(sgd):
    zero = "net[0].bias.data.zero_()"
    assert sgd("zero.py", "0.1", zero).sentence.startswith("They diverge at start > start > 0.bias")
    assert sgd("zero.py", "0.1", zero, carry=True).verdict == "agree"


BRANCHES = """
import sys
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4)
        self.second, self.last_norm = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.short, self.short_norm = nn.Conv2d(2, 4, 1, stride=2, bias=False), nn.BatchNorm2d(4)
        self.dense = nn.Linear(64, 3)

    def forward(self, x):
        around = self.short_norm(self.short(x)) if "shortcut-first" in sys.argv else None
        y = self.last_norm(self.second(torch.relu(self.norm(self.first(x)))))
        around = self.short_norm(self.short(x)) if around is None else around
        return self.dense(torch.relu(y + around).flatten(1))

net = Net()
sgd = torch.optim.SGD(net.parameters(), lr=0.1)
draw = torch.Generator().manual_seed(1)
for step in range(3):
    x, y = torch.randn(6, 2, 8, 8, generator=draw), torch.arange(6) % 3
    sgd.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    sgd.step()
"""


@pytest.mark.slow
def test_weights_are_carried_to_a_shortcut_that_runs_at_another_place(tmp_path):
    document = carried(tmp_path, BRANCHES, "shortcut-first")
    assert document.verdict == "agree", document.sentence
    assert all(pair.a == pair.b for pair in document.pairs)
    assert len(document.pairs) == 17


def observed(folder, name, weights):
    """A training of a program's own, without any library: it names its values itself."""
    (folder / name).write_text(
        "from samebits_probe import observe\n"
        "for step in range(3):\n"
        f"    for name in {weights}:\n"
        "        if not step:\n"
        "            observe(name, 1.0, step=step, kind='start')\n"
        "        observe(name, 0.5, step=step, kind='gradient')\n"
        "        observe(name, 1.0 - step, step=step, kind='update')\n"
    )
    return name


def test_models_that_do_not_match_give_no_answer(run, tmp_path):
    a, b = observed(tmp_path, "a.py", ["v", "w"]), observed(tmp_path, "b.py", ["v", "w", "z"])
    assert run(a, f"python {a}", "--json", "out.json", "--html", "out.html")[0] == 0
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "agree"
    assert "<script" not in (tmp_path / "out.html").read_text()
    status, out, _ = run(a, b)
    assert status == 3
    assert "The models do not match: z of B, (), has no counterpart; () in A would match." in out


def test_a_script_that_trains_nothing_gives_no_answer(run, tmp_path):
    (tmp_path / "idle.py").write_text("print(2)\n")
    status, out, _ = run("idle.py", "idle.py")
    assert status == 3
    assert "samebits saw no step of an optimizer in A" in out


def test_a_script_that_fails_is_an_error_with_its_last_words(run, tmp_path):
    (tmp_path / "fails.py").write_text("raise ValueError('no such file as data.npz')\n")
    status, _, said = run("fails.py", "fails.py")
    assert status == 2
    assert "no such file as data.npz" in said
    for wrong in (["not_there.py", "fails.py"], ["fails.py", "'"], ["fails.py", "fails.py", "--env-a", "not-built"]):
        assert run(*wrong)[0] == 2
