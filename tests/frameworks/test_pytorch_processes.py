"""PyTorch in several processes: ranks, workers and children."""

import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def ended_well(trial):
    assert trial.exit_code == 0, trial.stderr
    assert all(process.failures == [] for process in trial.processes)
    assert trial.probe_failures == []


def test_each_rank_has_a_trace_of_its_own_and_the_same_gradients(watched_run):
    pytest.importorskip("torch", minversion="2.1")
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    trial = watched_run(sys.executable, *launch, SAMPLES / "torch_trains_on_ranks.py")
    ended_well(trial)
    ranks = sorted(trial.observed, key=lambda process: process.facts["rank"])
    assert [(process.facts["rank"], process.facts["world_size"]) for process in ranks] == [(0, 2), (1, 2)]
    assert [process.steps for process in ranks] == [3, 3]
    assert ranks[0].names("gradient", 0) == ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert ranks[0].prints("gradient") == ranks[1].prints("gradient")
    assert ranks[0].prints("batch") != ranks[1].prints("batch")
    assert ranks[0].names("end") == ranks[0].names("start")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_batches_of_workers_are_seen_where_they_are_used(watched_run, torch_python, method):
    trial = watched_run(torch_python, SAMPLES / "torch_loads_with_workers.py", method)
    ended_well(trial)
    again = watched_run(torch_python, SAMPLES / "torch_loads_with_workers.py", method)
    assert trial.only.steps == 4
    assert trial.only.names("batch") == ["0"] * 4
    assert trial.only.prints("batch") == again.only.prints("batch")
    assert trial.stdout == again.stdout


@pytest.mark.slow
def test_a_forked_child_that_trains_is_a_process_of_its_own(watched_run, torch_python):
    trial = watched_run(torch_python, SAMPLES / "torch_trains_in_children.py")
    ended_well(trial)
    assert [process.steps for process in trial.observed] == [1, 2, 3]
    for process in trial.observed:
        assert process.names("start") == ["weight", "bias"]
        assert process.names("gradient", 0) == ["weight", "bias"]
        assert process.names("end") == ["weight", "bias"]
    starts = [process.prints("start") for process in trial.observed]
    assert starts[1] == starts[2] != starts[0]


THREADS = """
import threading, torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1)
def train():
    for _ in range(3):
        opt.zero_grad(); net(torch.ones(8, 4)).pow(2).mean().backward(); opt.step()
def look():
    with torch.no_grad(): nn.Linear(2, 2)(torch.ones(1, 2))
for function in (look, train, look):
    thread = threading.Thread(target=function); thread.start(); thread.join()
"""


def test_the_thread_that_trains_is_the_one_that_is_watched(watched_run, torch_python):
    trial = watched_run(torch_python, THREADS)
    ended_well(trial)
    assert trial.only.steps == 3
    assert trial.only.names("forward", 3) == []
    assert "threads" in trial.only.not_observed
