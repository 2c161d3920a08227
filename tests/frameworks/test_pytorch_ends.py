"""The end of a PyTorch training: what changes after the last step is seen, dead or alive."""

import sys

import pytest


@pytest.fixture
def seen(watched_run):
    def run(python, text):
        trial = watched_run(python, "import torch, torch.nn as nn\ntorch.manual_seed(0)\n" + text)
        assert trial.exit_code == 0, trial.stderr
        assert trial.only.failures == []
        return trial.only

    return run


LOCALS = """
def main():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)); loose = nn.Parameter(torch.zeros(1))
    opt = torch.optim.SGD(list(net.parameters()) + [loose], 0.1)
    for _ in range(2):
        opt.zero_grad(); (net(torch.randn(8, 4)).sum() * (1 + loose)).backward(); opt.step()
    with torch.no_grad():
        net[0].weight.mul_(CHANGE); net(torch.ones(4, 4) * CHANGE)
        loose.add_(CHANGE)
main()
"""


def test_locals_that_are_dead_at_the_exit_are_read_as_they_die(seen, torch_python):
    one = dict(seen(torch_python, "CHANGE = 1.0\n" + LOCALS).prints("end"))
    two = dict(seen(torch_python, "CHANGE = 2.0\n" + LOCALS).prints("end"))
    weights = ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert [name for name in one if "evaluation" not in name] == [*weights, "param.0"]
    changed = {name for name in one if one[name] != two[name]}
    assert {"0.weight", "1.running_mean", "param.0"} <= changed
    assert "0.bias" not in changed


RETAINS = """
import gc, weakref
def train():
    net = nn.Linear(1000, 1000); opt = torch.optim.SGD(net.parameters(), 0.1)
    opt.zero_grad(); net(torch.ones(1, 1000)).sum().backward(); opt.step()
    return weakref.ref(net), weakref.ref(net.weight), weakref.ref(opt)
for _ in range(3):
    dead = train(); gc.collect()
    assert all(reference() is None for reference in dead)
"""


def test_nothing_is_kept_alive_by_the_watcher(seen, torch_python):
    process = seen(torch_python, RETAINS)
    assert process.steps == 3
    assert process.names("end", 3) == [
        "weight",
        "bias",
        *(f"Linear{n}.{w}" for n in ("", "#2") for w in ("weight", "bias")),
    ]


AVERAGES = """
net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)); opt = torch.optim.SGD(net.parameters(), 0.1)
mean = torch.optim.swa_utils.AveragedModel(net)
for _ in range(3):
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step(); mean.update_parameters(net)
torch.optim.swa_utils.update_bn([torch.randn(8, 4) * CHANGE for _ in range(2)], mean)
"""


def test_an_averaged_model_and_its_calibrated_buffers_are_of_kind_end(seen):
    pytest.importorskip("torch", minversion="2.1")
    one = dict(seen(sys.executable, "CHANGE = 1.0\n" + AVERAGES).prints("end"))
    two = dict(seen(sys.executable, "CHANGE = 2.0\n" + AVERAGES).prints("end"))
    assert "AveragedModel.module.0.weight" in one
    changed = {name for name in one if one[name] != two[name] and "evaluation" not in name}
    assert changed == {"AveragedModel.module.1.running_mean", "AveragedModel.module.1.running_var"}


REPLACES = """
net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
with torch.no_grad(): net(torch.ones(1, 4))
net[1] = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step()
"""


def test_a_head_that_is_replaced_has_a_name_of_its_own(seen, torch_python):
    process = seen(torch_python, REPLACES)
    assert process.names("gradient", 0) == ["0.weight", "0.bias", "1.weight#2", "1.bias#2"]
    assert process.names("end") == ["0.weight", "0.bias", "1.weight#2", "1.bias#2", "(settings of layers)"]


LAZY = """
net = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 1)); net(torch.ones(2, 5)); opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad(); net(torch.randn(8, 5)).sum().backward(); opt.step()
"""


def test_lazy_parameters_start_when_they_have_values(seen):
    pytest.importorskip("torch", minversion="2.1")
    process = seen(sys.executable, LAZY)
    assert sorted(process.names("start", -1)) == ["0.bias", "0.weight", "1.bias", "1.weight"]
    assert process.names("gradient", 1) == ["0.weight", "0.bias", "1.weight", "1.bias"]


OUTLIVES = """
def train():
    net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        opt.zero_grad(); net(torch.ones(2, 4)).sum().backward(); opt.step()
    return net.state_dict()
kept = train(); gone = train(); del gone
kept["weight"].add_(CHANGE)
"""


def test_weights_whose_memory_outlives_their_model_are_read_at_the_exit(seen, torch_python):
    one = dict(seen(torch_python, "CHANGE = 1.0\n" + OUTLIVES).prints("end"))
    two = dict(seen(torch_python, "CHANGE = 2.0\n" + OUTLIVES).prints("end"))
    assert [name for name in one if one[name] != two[name]] == ["weight"]


BESIDE = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); by_hand = torch.zeros(4, requires_grad=True)
for _ in range(2):
    opt.zero_grad(); net(torch.ones(2, 4)).sum().backward(); opt.step()
    gradient, = torch.autograd.grad((by_hand - CHANGE).pow(2).sum(), [by_hand])
    with torch.no_grad():
        by_hand -= 0.1 * gradient
"""


def test_what_is_trained_by_hand_beside_an_optimizer_has_its_end(seen, torch_python):
    one = dict(seen(torch_python, "CHANGE = 1.0\n" + BESIDE).prints("end"))
    two = dict(seen(torch_python, "CHANGE = 2.0\n" + BESIDE).prints("end"))
    assert [name for name in one if one[name] != two[name]] == ["by_hand.0"]
