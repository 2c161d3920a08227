"""Vary on trainings with PyTorch: threads, instruction sets, workers of a DataLoader."""

import importlib.util
import sys
from pathlib import Path

import pytest
from builders import silent

from samebits.launch.plan import Request
from samebits.model import Options
from samebits.vary import vary
from samebits.vary.factor import Machine
from samebits.vary.factors import find

SAMPLES = Path(__file__).parent.parent / "samples"
pytestmark = pytest.mark.usefixtures("late_compiler")

METRIC = {"loss": "loss ([-0-9.e]+)"}


@pytest.fixture
def varied(tmp_path):
    """Function(sample, *words, factors=..., **options) -> VaryResult, with two trials of each value."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    (tmp_path / "work").mkdir()

    def run(sample, *words, factors, **options):
        asked = Request(
            command=[sys.executable, str(SAMPLES / sample), *words],
            directory=tmp_path / "work",
            out=tmp_path / "record",
            options=Options(trials=2, **options),
        )
        return vary(asked, factors, silent)

    return run


@pytest.mark.slow(seconds=25)
def test_a_large_sum_depends_on_the_threads_and_the_distance_at_the_end_is_said(varied):
    result = varied("torch_sums_in_threads.py", factors=[("threads", ["1", "2"])], metrics=METRIC)
    assert result.verdict == "diverged"
    value = result.factors[0].values[1]
    assert (value.divergence.step, value.divergence.kind, value.divergence.name) == (0, "forward", "loss")
    assert value.divergence.size.different == 1
    assert value.divergence.size.max_ulp >= 1
    assert "torch.get_num_threads() 2" in value.in_force
    assert (value.end.weights, value.end.different) == (1, 1)
    assert 0 < value.end.relative < 1e-4
    assert {outcome.name for outcome in value.end.outcomes} == {"last loss", "loss"}


@pytest.mark.slow
def test_the_instruction_set_is_read_back_from_torch(varied):
    machine = Machine(Request(command=["python"]))
    lower = find("isa-torch").varied(machine)
    if not lower:
        pytest.skip("this processor has one instruction set that PyTorch can be held to")
    result = varied("torch_sums_in_threads.py", "--serial", factors=[("isa-torch", ["own", *lower])])
    own, other = result.factors[0].values
    assert other.in_force == lower[0].upper()
    assert own.in_force != other.in_force
    assert other.status in ("same", "differs")


@pytest.mark.slow
def test_noise_drawn_in_workers_depends_on_their_number(varied):
    result = varied("torch_draws_in_workers.py", factors=[("dataloader-workers", ["own", "0", "2"])])
    own, none, two = result.factors[0].values
    assert (own.in_force, none.in_force, two.in_force) == ("0", "0", "2")
    assert (none.status, two.status) == ("no-effect", "differs")
    assert two.divergence.kind == "batch"
    assert result.factors[0].answer == "depends"
