"""A watched run trains the same bits as an unwatched one, prints the same, and ends in the same way."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def plain(python, program, *arguments):
    """Standard output, standard error and exit status of a program that nobody watches."""
    done = subprocess.run([python, program, *arguments], capture_output=True, text=True, timeout=300)
    return done.stdout, done.stderr, done.returncode


def alike(watched_run, python, program, *arguments):
    """Run both ways, compare, and give the watched trial."""
    trial = watched_run(python, program, *arguments, timeout=300)
    assert (trial.stdout, trial.stderr, trial.exit_code) == plain(python, program, *arguments)
    assert trial.exit_code == 0, trial.stderr
    assert trial.only.failures == []
    return trial


@pytest.mark.parametrize("program", ["torch_drops_out.py", "torch_copies_its_optimizer.py"])
def test_a_watched_run_prints_the_same_weights(watched_run, torch_python, program):
    trial = alike(watched_run, torch_python, SAMPLES / program)
    assert "weights" in trial.stdout
    assert trial.only.steps == {"torch_drops_out.py": 6, "torch_copies_its_optimizer.py": 3}[program]


@pytest.mark.slow
def test_every_optimizer_trains_the_same_bits_and_is_seen_at_both_steps(watched_run, torch_python):
    trial = alike(watched_run, torch_python, SAMPLES / "torch_uses_every_optimizer.py")
    runs = [line for line in trial.stdout.splitlines() if not line.startswith("#")]
    process = trial.only
    assert process.steps == 2 * len(runs)
    for step in range(process.steps):
        line = runs[step // 2]
        assert process.names("gradient", step), (step, line)
        updates = dict(process.prints("update", step))
        weights = [name for name in process.names("gradient", step) if name in updates]
        assert weights, (step, line)
        if step % 2:
            before = dict(process.prints("update", step - 1))
            assert any(updates[name] != before[name] for name in weights), line


@pytest.mark.slow
def test_a_fullgraph_compile_has_the_same_graphs_and_is_seen(watched_run):
    pytest.importorskip("torch", minversion="2.1")
    trial = alike(watched_run, sys.executable, SAMPLES / "torch_compiles_fullgraph.py")
    assert "graphs [" in trial.stdout
    process = trial.only
    assert process.steps == 3
    for step in range(3):
        assert process.names("batch", step) == ["0"]
        assert process.names("forward", step) == ["output", "loss"]
        assert process.names("gradient", step) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert process.names("end") == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["step", "all"])
def test_steps_in_compiled_code_keep_their_graphs_and_are_said(watched_run, what):
    pytest.importorskip("torch", minversion="2.1")
    program = SAMPLES / "torch_compiles_its_step.py"
    trial = watched_run(sys.executable, program, what, timeout=300)
    assert trial.exit_code == 0, trial.stderr
    assert _graphs(trial.stdout) == _graphs(plain(sys.executable, program, what)[0])
    process = trial.only
    assert process.failures == []
    assert process.steps == 4
    assert "steps inside torch.compile" in process.not_observed
    assert process.names("forward", 3)[-1] == "loss"
    # inside a compiled function no module call is seen, and so no names
    names = ["0.weight", "0.bias", "1.weight", "1.bias"] if what == "step" else [f"param.{n}" for n in range(4)]
    assert sorted(process.names("update", 3)) == sorted(names)


def _graphs(line):
    """The number of graphs and the digest of the weights."""
    return re.search(r"'unique_graphs': (\d+)", line).group(1), line.split()[-1]


FAILING = """
import torch, torch.nn as nn
torch.manual_seed(0)
class Net(nn.Linear):
    fails = False
    def forward(self, x):
        if self.fails:
            raise ValueError("from the model")
        return super().forward(x)
class Step(torch.optim.SGD):
    fails = False
    def step(self, closure=None):
        if self.fails:
            raise KeyError("from the optimizer")
        return super().step(closure)
def attempt(function):
    try:
        function()
    except Exception as error:
        print(type(error).__name__, error)
net = Net(4, 1); opt = Step(net.parameters(), 0.1)
def train():
    opt.zero_grad(); net(torch.randn(8, 4)).pow(2).mean().backward(); opt.step()
def bad_backward():
    loss = net(torch.randn(8, 4)).sum(); loss.backward(); loss.backward()
train()
net.fails = True; attempt(train); net.fails = False
attempt(bad_backward)
opt.fails = True; attempt(train); opt.fails = False
train(); train()
attempt(lambda: net(torch.randn(3, 5)))
train()
print(net.weight.tolist())
raise SystemExit(4)
"""


def test_errors_of_the_program_stay_its_own_and_later_steps_are_whole(watched_run, torch_python, tmp_path):
    program = tmp_path / "fails.py"
    program.write_text(FAILING)
    trial = watched_run(torch_python, program)
    assert (trial.stdout, "", 4) == plain(torch_python, program)
    assert trial.exit_code == 4
    process = trial.only
    assert process.failures == []
    assert process.steps == 4
    for step in range(4):
        assert process.names("update", step)[:4] == ["param_groups.0/lr", "param_groups.0", "weight", "bias"]


LEFT_ALONE = """
import sys, threading, torch
torch.manual_seed(0)
before = (torch.get_rng_state().tolist(), torch.is_grad_enabled(), torch.get_num_threads(), threading.active_count())
net = torch.nn.Linear(4, 1); opt = torch.optim.Adam(net.parameters())
torch.manual_seed(0)
x = torch.ones(2, 4)
for _ in range(3):
    opt.zero_grad(); y = net(x); y.sum().backward(); opt.step()
assert y._backward_hooks is None
assert net.weight.grad._backward_hooks is None and not net._forward_hooks and not net._forward_pre_hooks
assert [k for k in vars(net) if "samebits" in k] == [] and [k for k in vars(opt) if "samebits" in k] == []
after = (torch.get_rng_state().tolist(), torch.is_grad_enabled(), torch.get_num_threads(), threading.active_count())
assert before == after
import pickle, copy
pickle.loads(pickle.dumps(net)); copy.deepcopy(opt); torch.save(net.state_dict(), "w.pt")
sched = torch.optim.lr_scheduler.StepLR(opt, 1)
opt.step(); sched.step()
assert opt.step.__name__ in ("step", "wrapper")
print("done")
"""


def test_random_states_flags_and_objects_are_left_alone(watched_run, torch_python):
    trial = watched_run(torch_python, LEFT_ALONE)
    assert trial.stdout == "done\n", trial.stderr
    assert trial.stderr == ""


WITH_MODES = """
import torch
from torch.utils._python_dispatch import TorchDispatchMode
class Counts(TorchDispatchMode):
    count = 0
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        Counts.count += 1
        return func(*args, **(kwargs or {}))
torch.manual_seed(0)
net = torch.nn.Conv2d(1, 2, 3).to(memory_format=torch.channels_last); opt = torch.optim.SGD(net.parameters(), 0.1)
x = torch.randn(4, 1, 6, 6).transpose(2, 3)
with Counts():
    for _ in range(3):
        opt.zero_grad(); net(x).sum().backward(); opt.step()
print(Counts.count)
"""


@pytest.mark.slow
def test_operators_of_the_probe_are_not_seen_by_the_modes_of_the_program(watched_run, tmp_path):
    pytest.importorskip("torch", minversion="2.1")
    program = tmp_path / "modes.py"
    program.write_text(WITH_MODES)
    trial = alike(watched_run, sys.executable, program)
    assert trial.only.steps == 3
