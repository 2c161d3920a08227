"""explain on programs that train with PyTorch and Keras: their controls in a real search.

The search itself and its rule are tested in tests/unit, on simulated programs, and in tests/probe, on programs that start
in a tenth of a second. Here a trial costs seconds, so fewer trials must agree.
"""

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from samebits import causes, checks, cli
from samebits.causes.settings import adopt
from samebits.comparison.verdict.sought import evidence_of
from samebits.launch.plan import Request
from samebits.model import Options

KNOWN = Path(__file__).resolve().parents[1] / "known"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"

pytestmark = [pytest.mark.slow(seconds=90), pytest.mark.usefixtures("late_compiler")]


@pytest.fixture
def explained(tmp_path, tried, few_agree, capsys):
    """Function(program, *controls) -> its explanation with these controls, and what `samebits report` shows."""

    def run(program, *controls):
        tried(*controls)
        command = [sys.executable, str(program)]
        result = causes.run(Request(command=command, directory=tmp_path, out=tmp_path / "record")).result
        assert result.verdict == "diverged", result.sentence
        capsys.readouterr()
        assert cli.main(["report", str(tmp_path / "record")]) == 1
        return result.explanation, capsys.readouterr().out

    return run


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_race_of_an_operator_is_blamed_on_it_and_two_controls_remove_it(explained):
    found, shown = explained(SAMPLES / "torch_races_on_rows.py", "threads", "torch-deterministic")
    assert found.cause == ["torch-deterministic"]
    assert ["threads"] in found.minimal_controls
    assert found.operator == "aten::index_put"
    assert "torch.use_deterministic_algorithms(True)" in shown


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_shuffle_without_a_seed_is_named_and_no_operator_is_blamed(explained):
    candidates = "torch-seed", "dataloader-seed", "torch-deterministic"
    found, _ = explained(KNOWN / "shuffles_without_a_seed.py", *candidates)
    assert found.cause == ["torch-seed"]
    assert found.operator is None
    assert found.compared.startswith("whole trials")


@pytest.mark.skipif(find_spec("keras") is None or find_spec("tensorflow") is None, reason="Keras is not installed")
def test_a_generator_without_a_seed_is_named_in_keras(explained, alone, monkeypatch):
    """Without `entropy`, which pins this source too: the hunt for a third control would double the trials."""
    monkeypatch.setenv("PYTHONPATH", alone("tensorflow")["PYTHONPATH"])
    found, _ = explained(KNOWN / "keras_shuffles_without_a_seed.py", "numpy-seed", "numpy-generator")
    assert found.cause == ["numpy-generator"]


RACES = """\
import random, threading
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
model, turn, turns = torch.nn.Linear(4, 2), threading.Condition(), random.sample([0, 1] * 20, 40)

def train(number):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(20):
        with turn:
            turn.wait_for(lambda: turns[0] == number)
            optimizer.zero_grad()
            (model(torch.full((3, 4), 0.1 * step)) - number).pow(2).mean().backward()
            optimizer.step()
            turns.pop(0)
            turn.notify_all()

threads = [threading.Thread(target=train, args=(number,)) for number in (0, 1)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_two_threads_that_race_on_shared_weights_agree_if_their_final_weights_do(tmp_path):
    (tmp_path / "train.py").write_text(RACES)
    plain = Request(command=[sys.executable, "train.py"], directory=tmp_path, options=Options(trials=2))
    free = checks.run(replace(plain, out=tmp_path / "free")).result
    assert (free.verdict, free.divergence.kind) == ("diverged", "end")
    held = checks.run(replace(plain, out=tmp_path / "held", controls=["python-seed"]))
    setting = adopt(*held)
    assert "more than one thread trained" in setting.seen().unclear
    setting.sought = evidence_of(free, setting.experiment.record.trials)
    assert setting.seen().agrees(2)
    setting.sought = replace(setting.sought, name="no.weight")
    assert not setting.seen().agrees(2)
