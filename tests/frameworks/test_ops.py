"""Operator replay on real programs: who is named, who is not, and that the program does not notice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.launch.plan import Request
from samebits.ops import read, replay

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
REPLAY = {"first": 0, "last": 10**6, "repeats": 2}
WHOLE = {"PYTHONPATH": ""}  # PyTorch imports its compiler with its first optimizer
UNFILLED = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


@pytest.fixture(autouse=True)
def needs_torch(late_compiler):
    pytest.importorskip("torch", minversion="2.1")


def replayed(tmp_path, program, *arguments, step=0, repeats=4, **request):
    command = [sys.executable, str(program), *arguments]
    found = replay(Request(command=command, directory=tmp_path, **request), step, repeats, folder=tmp_path / "record")
    assert found.failed == []
    assert read(tmp_path / "record") == found
    return found


@pytest.mark.slow
def test_races_and_a_solver_that_reads_unwritten_memory_are_named_first_executed_first(tmp_path):
    found = replayed(tmp_path, SAMPLES / "torch_gathers_rows.py", repeats=16)
    assert found.outcome == "differed"
    places = {place.operator: place for place in found.differed}
    assert list(places) == ["aten::linalg_lstsq", "aten::index_put", "aten::put"]
    assert [place.phase for place in found.differed] == ["forward", "backward", "backward"]
    assert [place.memory for place in found.differed] == [True, False, False]
    assert [place.node for place in found.differed] == ["", "IndexBackward0", "TakeBackward0"]
    assert places["aten::linalg_lstsq"].source == "solved = torch.linalg.lstsq(left, right).solution"
    assert places["aten::put"].source == "taken = torch.take(cells, picked)"
    assert places["aten::index_put"].source == "gathered = rows[chosen]"
    assert places["aten::index_put"].inputs == ["float32[500, 16]", "int64[20000]", "float32[20000, 16]"]
    assert all(place.size.different and place.size.max_ulp for place in found.differed)
    assert all(0 < place.replays_differed <= place.replays for place in found.differed)
    assert list(tmp_path.glob("record/trials/001/processes/*/tensors.*")) == []


@pytest.mark.slow
def test_under_deterministic_algorithms_the_same_operators_are_silent(tmp_path):
    program = tmp_path / "program.py"
    text = (SAMPLES / "torch_gathers_rows.py").read_text()
    program.write_text(text.replace("import torch\n", "import torch\ntorch.use_deterministic_algorithms(True)\n", 1))
    found = replayed(tmp_path, program)
    assert [place.operator for place in found.differed] == []


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["foreach", "fused", "loop"])
def test_many_layers_are_silent_in_forward_backward_and_optimizer(tmp_path, optimizer):
    found = replayed(tmp_path, SAMPLES / "torch_uses_many_layers.py", optimizer, repeats=2)
    assert (found.outcome, found.differed, found.steps) == ("same", [], [0])
    replays = {(one.operator, one.phase): one.replays for one in found.operators}
    for name in ("convolution", "native_batch_norm", "_ctc_loss", "upsample_bilinear2d", "embedding", "scatter_add",
                 "bernoulli", "mkldnn_rnn_layer", "cumsum", "sort", "addmm", "max_pool2d_with_indices"):  # fmt: skip
        assert replays[f"aten::{name}", "forward"] >= 2, name
    for name in (
        "convolution_backward",
        "_ctc_loss_backward",
        "embedding_dense_backward",
        "native_batch_norm_backward",
    ):
        assert replays[f"aten::{name}", "backward"] >= 2, name
    used = {"foreach": "aten::_foreach_addcdiv", "fused": "aten::_fused_adam", "loop": "aten::addcdiv"}[optimizer]
    assert replays[used, "optimizer"] >= 2
    assert "aten::empty" in {one.operator for one in found.left_out}


def records(process):
    """All but the states of Python's and numpy's generators, which these programs do not seed."""
    return [row for row in process.rows if row[1] != "rng" or row[2] == "torch"]


def compared(watched_run, program, *arguments):
    """Run with and without replay: what the program prints and all that is observed of it have to be the same."""
    with_replay = watched_run(sys.executable, program, *arguments, replay=REPLAY, environment=UNFILLED, timeout=600)
    plain = watched_run(sys.executable, program, *arguments, timeout=600)
    assert (with_replay.stdout, with_replay.stderr, with_replay.exit_code) == (plain.stdout, plain.stderr, 0)
    for a, b in zip(with_replay.observed, plain.observed, strict=True):
        assert a.failures == []
        assert records(a) == records(b)
    return [json.loads((process.folder / "replay.json").read_text()) for process in with_replay.observed]


@pytest.mark.parametrize("program", ["torch_drops_out.py", "torch_copies_its_optimizer.py"])
def test_a_replayed_program_has_the_same_bits_and_random_states(watched_run, program):
    (document,) = compared(watched_run, SAMPLES / program)
    assert document["steps"]
    assert document["operators"]


@pytest.mark.slow
def test_every_optimizer_has_the_same_bits_when_its_operators_are_replayed(watched_run):
    (document,) = compared(watched_run, SAMPLES / "torch_uses_every_optimizer.py")
    assert any(one["phase"] == "optimizer" and one["replayed"] for one in document["operators"])
    assert document["failed"] == []


@pytest.mark.slow
def test_many_layers_have_the_same_bits_when_their_operators_are_replayed(watched_run):
    (document,) = compared(watched_run, SAMPLES / "torch_uses_many_layers.py")
    assert document["steps"] == [0, 1, 2]


@pytest.mark.slow
def test_a_compiled_program_has_the_same_graphs_and_bits(watched_run):
    program = SAMPLES / "torch_compiles_fullgraph.py"
    trial = watched_run(sys.executable, program, replay=REPLAY, environment=WHOLE, timeout=600)
    plain = subprocess.run([sys.executable, program], env={**os.environ, **WHOLE}, capture_output=True, text=True)
    assert (trial.stdout, trial.exit_code) == (plain.stdout, 0)


MUTATES = """
import torch
torch.manual_seed(0)
whole = torch.randn(40, 50)
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
part = whole[3:30:2, 5:40]
part.add_(part)
whole[0].mul_(whole[1])
whole.t()[2:4].copy_(torch.arange(80.0).reshape(2, 40))
torch.add(whole[5], 1, out=whole[6])
torch.nn.functional.batch_norm(whole, mean := torch.zeros(50), var := torch.ones(50), training=True)
generator = torch.Generator().manual_seed(3)
whole[7].normal_(generator=generator)
whole.index_put_((torch.tensor([1, 1]),), torch.ones(2, 50), accumulate=True)
try:
    torch.mm(whole, whole)
except RuntimeError as error:
    print("the program's own error", str(error).split()[0])
print(whole.sum().item(), mean.sum().item(), var.sum().item(), generator.initial_seed(), torch.rand(1).item())
print(torch.rand(2, generator=generator).tolist())
optimizer.step()
"""


def test_arguments_that_are_written_to_or_share_memory_are_replayed_on_copies(watched_run):
    trial = watched_run(sys.executable, MUTATES, replay=REPLAY)
    plain = watched_run(sys.executable, MUTATES)
    assert trial.stdout == plain.stdout
    document = json.loads(next(trial.folder.glob("processes/*/replay.json")).read_text())
    assert (document["failed"], document["differed"]) == ([], [])
    found = {one["overload"]: one["replays"] for one in document["operators"]}
    for name in (
        "add_.Tensor",
        "mul_.Tensor",
        "copy_.default",
        "add.out",
        "native_batch_norm.default",
        "normal_.default",
    ):
        assert found[f"aten::{name}"] >= 2, name


MODES = """
import torch
from torch.utils._python_dispatch import TorchDispatchMode
class Counts(TorchDispatchMode):
    seen = 0
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        Counts.seen += 1
        return func(*args, **(kwargs or {}))
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    with Counts():
        net(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    before = Counts.seen
    torch.ones(3).sum()
    assert Counts.seen == before, "a mode of the program is still entered"
print(Counts.seen)
"""


def test_modes_of_the_program_are_entered_and_left_as_without_replay(watched_run):
    want = {"first": 1, "last": 1, "repeats": 2}
    trial = watched_run(sys.executable, MODES, replay=want)
    assert (trial.exit_code, trial.stdout) == (0, watched_run(sys.executable, MODES).stdout), trial.stderr
    document = json.loads(next(trial.folder.glob("processes/*/replay.json")).read_text())
    assert document["steps"] == [1]
    assert {one["phase"] for one in document["operators"]} == {"forward", "backward", "optimizer"}


@pytest.fixture
def answered(samebits, tmp_path):
    """Function(*words) -> the exit status of `samebits ops`, and what it showed."""

    def run(*words):
        done = samebits("ops", *words, cwd=tmp_path)
        return done.returncode, done.stdout

    return run


def test_a_program_without_pytorch_is_said_to_have_nothing_to_replay(answered):
    status, said = answered("--", sys.executable, str(SAMPLES / "never_steps.py"))
    assert status == 3
    assert "No process imported PyTorch" in said


def test_pytorch_1_3_is_said_to_be_too_old(answered, legacy_python):
    python = legacy_python("pytorch-1.3")
    status, said = answered("--", python, str(SAMPLES / "torch_drops_out.py"))
    assert status == 3
    assert "needs PyTorch 2.0 or later, and this is 1.3" in said
