"""The end of a PyTorch training: what changes after the last step is seen, dead or alive."""

import sys

import pytest

pytestmark = pytest.mark.usefixtures("late_compiler")


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_head_that_is_replaced_has_a_name_of_its_own(seen, torch_python):
    process = seen(torch_python, REPLACES)
    assert process.names("gradient", 0) == ["0.weight", "0.bias", "1.weight#2", "1.bias#2"]
    assert process.names("end") == ["0.weight", "0.bias", "1.weight#2", "1.bias#2"]


LAZY = """
net = nn.Sequential(nn.LazyLinear(3), nn.Linear(3, 1)); net(torch.ones(2, 5)); opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad(); net(torch.randn(8, 5)).sum().backward(); opt.step()
"""


@pytest.mark.slow
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


@pytest.mark.slow
def test_weights_that_outlive_their_model_are_read_at_the_exit_where_they_are(seen, torch_python):
    one = dict(seen(torch_python, "CHANGE = 1.0\n" + OUTLIVES).prints("end"))
    two = dict(seen(torch_python, "CHANGE = 2.0\n" + OUTLIVES).prints("end"))
    assert [name for name in one if one[name] != two[name]] == ["globals kept.weight"]


BESIDE = """
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); by_hand = torch.zeros(4, requires_grad=True)
for _ in range(2):
    opt.zero_grad(); net(torch.ones(2, 4)).sum().backward(); opt.step()
    gradient, = torch.autograd.grad((by_hand - CHANGE).pow(2).sum(), [by_hand])
    with torch.no_grad():
        by_hand -= 0.1 * gradient
"""


@pytest.mark.slow
def test_what_is_trained_by_hand_beside_an_optimizer_has_its_end(seen, torch_python):
    one = dict(seen(torch_python, "CHANGE = 1.0\n" + BESIDE).prints("end"))
    two = dict(seen(torch_python, "CHANGE = 2.0\n" + BESIDE).prints("end"))
    assert {"globals by_hand"} <= {name for name in one if one[name] != two[name]}


@pytest.fixture
def changed(seen):
    """Function(python, text) -> names of the points of kind "end" that differ between CHANGE = 1.0 and CHANGE = 2.0."""

    def run(python, text):
        one, two = (dict(seen(python, f"CHANGE = {change}\n{text}").prints("end")) for change in (1.0, 2.0))
        return [name for name in {**one, **two} if one.get(name) != two.get(name)]

    return run


TRAINED = """
def net():
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.BatchNorm1d(3))
def train(model, step=None):
    opt = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        opt.zero_grad(); (step or model)(torch.randn(8, 4)).sum().backward(); opt.step()
    return opt
"""
SURGERY = (
    TRAINED
    + """
one = net(); opt_1 = train(one)
one[0].weight = nn.Parameter(one[0].weight.detach() * CHANGE)
two = net(); opt_2 = train(two)
two[0] = nn.Linear(4, 3)
with torch.no_grad(): two[0].bias.fill_(CHANGE)
three = net(); opt_3 = train(three)
if CHANGE == 2: three[0].bias, three[2].bias = three[2].bias, three[0].bias
"""
)


@pytest.mark.slow
def test_parameters_and_submodules_replaced_while_the_optimizer_lives_are_the_ones_compared(changed, torch_python):
    found = changed(torch_python, SURGERY)
    assert sorted(found) == ["0.weight", "Sequential#2.0.bias", "Sequential#2.2.bias", "Sequential.0.bias"]


DIES = (
    TRAINED
    + """
class Net(nn.Module):
    scale, limit = 1.0, 2.0
    def __init__(self):
        super().__init__(); self.body = net(); self.temperature = 1.0
    def forward(self, x): return self.body(x)
def main():
    model = Net(); train(model)
    model.body[2] = nn.Linear(3, 3)
    with torch.no_grad(): model.body[2].bias.fill_(CHANGE)
    model.temperature = CHANGE; model.codebook = torch.full((2,), CHANGE)
    Net.scale = CHANGE
main()
"""
)


@pytest.mark.slow
def test_what_a_model_holds_in_the_moment_in_which_it_dies_is_read(changed, torch_python):
    assert sorted(changed(torch_python, DIES)) == ["body.2.bias", "codebook", "scale", "temperature"]


ALIVE = (
    TRAINED
    + """
import copy, time, numpy
class Lit(nn.Module):
    def __init__(self):
        super().__init__(); self.body = net(); self.register_buffer("centre", torch.zeros(2)); self.log = []
    def training_step(self, x): return self.body(x)
    def get_extra_state(self): print("not seen"); return {"scale": CHANGE}
    def set_extra_state(self, state): pass
lit = Lit(); ema = copy.deepcopy(lit.body); average = copy.deepcopy(lit.body)
opt = train(lit, lit.training_step)
lit.centre.fill_(CHANGE); lit.log.append((0.5, time.time())); lit.table = {"mean": numpy.full(2, CHANGE), "n": 3}
lit.start_time = time.perf_counter(); lit.body[1].scale = CHANGE; lit.body[1].inplace = CHANGE > 1
lit.edges = edges = (torch.eye(2) * CHANGE).to_sparse()
with torch.no_grad(): ema[0].bias.fill_(CHANGE)
"""
)


def test_every_module_that_is_alive_has_its_end_with_its_attributes(seen, torch_python):
    one, two = (seen(torch_python, f"CHANGE = {change}\n{ALIVE}") for change in (1.0, 2.0))
    ends = [dict(process.prints("end")) for process in (one, two)]
    assert ends[0].keys() == ends[1].keys()
    found = {name for name in ends[0] if ends[0][name] != ends[1][name]}
    given = {"Lit.centre", "Lit.edges", "Lit.table.mean", "Lit._extra_state.scale", "ema.0.bias", "1.scale"}
    assert {name for name in found if not name.startswith("globals ")} == given | {"Lit.log", "Lit.start_time"}
    numbers = next(
        event["values"] for event in one.events if (event["event"], event.get("name")) == ("numbers", "Lit.log")
    )
    clocks = [begin <= value <= end for begin, end in one.end["clocks"] for value in (numbers[-1],)]
    assert numbers[0] == 0.5
    assert any(clocks)
    assert "average.0.bias" in ends[0]
    assert one.steps == 2


@pytest.mark.slow
def test_the_end_prints_nothing_and_touches_no_object(seen, torch_python):
    text = ALIVE + (
        "class Shy:\n"
        "    @property\n"
        "    def __class__(self): raise ValueError('touched')\n"
        "    def __getattribute__(self, name): raise ValueError('touched')\n"
        "    def __hash__(self): raise ValueError('touched')\n"
        "    def __eq__(self, other): raise ValueError('touched')\n"
        "shy = [Shy() for _ in range(3)]; vars(lit)['shy'] = shy[0]; lit.more = {'a': shy}\n"
        "class Props(nn.Linear):\n"
        "    @property\n"
        "    def loud(self): raise ValueError('touched')\n"
        "props = Props(2, 2)\n"
    )
    process = seen(torch_python, "CHANGE = 1.0\n" + text)
    assert "props.weight" in process.names("end")
    assert (process.folder.parents[1] / "stdout.txt").read_text() == ""


MANY = """
kept = []
for _ in range(505):
    kept.append(nn.Linear(1, 1)); kept[-1](torch.zeros(1, 1))
net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)); opt = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(2):
    opt.zero_grad(); net(torch.randn(8, 4)).sum().backward(); opt.step()
net[1].running_mean.add_(CHANGE)
with torch.no_grad(): kept[-1].bias.fill_(CHANGE)
"""


@pytest.mark.slow
def test_models_after_the_first_500_have_their_end_and_their_buffers(changed, torch_python):
    assert sorted(changed(torch_python, MANY)) == ["Sequential.1.running_mean", "kept[504].bias"]


FUNCTIONAL = """
def main():
    net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); params = {"w": torch.zeros(4)}
    loss = lambda p: (p["w"] - CHANGE).pow(2).sum()
    for _ in range(2):
        opt.zero_grad(); net(torch.ones(2, 4)).sum().backward(); opt.step()
        gradient = torch.func.grad(loss)(params)
        params = {key: value - 0.1 * gradient[key] for key, value in params.items()}
main()
"""


@pytest.mark.slow
def test_what_torch_func_trains_beside_an_optimizer_is_seen_in_its_loss(seen):
    pytest.importorskip("torch", minversion="2.1")
    one, two = (seen(sys.executable, f"CHANGE = {change}\n{FUNCTIONAL}") for change in (1.0, 2.0))
    differing = {a[0] for a, b in zip(one.prints("forward"), two.prints("forward"), strict=True) if a != b}
    assert differing == {"loss"}


PRUNED = """
from torch.nn.utils import prune
def train(net):
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(2):
        if step:
            prune.random_unstructured(net, "weight", 0.5)
        opt.zero_grad(); net(torch.ones(1, 4)).sum().backward(); opt.step()
    return opt
opt = train(nn.Linear(4, 3))
"""


def test_a_pruned_model_that_dies_before_its_optimizer_has_its_end(seen):
    pytest.importorskip("torch", minversion="1.4")
    assert {"weight", "weight (in the optimizer)", "bias"} <= set(seen(sys.executable, PRUNED).names("end", 2))
