"""What the variables of a program hold, saved in one run and set in a different one."""

import subprocess
import sys

import pytest

HEADER = "import pickle, random, sys\nfrom samebits_probe.program_state import ProgramState\n"
PLAIN = """
class Training:
    def __init__(self, best, buffer):
        self.best, self.buffer, self.own = best, buffer, random.Random(best)

def train(training, patience, way):
    waited, names = patience, ["training.best", "training.buffer.0", "training.buffer.1", "training.own", "waited"]
    if way == "save":
        ProgramState().save("values")
    else:
        with open("values", "rb") as file:
            done = ProgramState().put(pickle.load(file), [*names, "python", "never"])
        assert done == [*names, "python"], done
    print(waited, training.best, training.buffer, training.own.random(), random.random())

random.seed(sys.argv[2])
train(Training(int(sys.argv[2]), [2.0] * int(sys.argv[2])), int(sys.argv[2]), sys.argv[1])
"""
TORCH = """
import torch, numpy
size = int(sys.argv[2])
torch.manual_seed(size), numpy.random.seed(size)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters(), 0.1 * size)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, size)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** size)
own = numpy.random.default_rng(size)
if size > 1:
    model(torch.ones(2)).backward()
    optimizer.step()
    schedule.step()
    ProgramState().save("values")
else:
    with open("values", "rb") as file:
        saved = pickle.load(file)
    assert ProgramState().put(saved, [name for name in saved if name.endswith(".exp_avg")]) == []
    assert not optimizer.state
    assert set(ProgramState().put(saved, saved)) >= set(saved) - {"size"}
print(model.state_dict(), optimizer.state_dict(), schedule.state_dict(), scaler.state_dict())
print(torch.rand(2), numpy.random.rand(), own.random())
"""


@pytest.mark.parametrize("program", [PLAIN, pytest.param(TORCH, id="torch")])
def test_a_run_with_the_values_of_a_different_one_holds_the_same(tmp_path, program):
    if program is TORCH:
        pytest.importorskip("torch")
    (tmp_path / "train.py").write_text(HEADER + program)
    said = []
    for words in (["save", "2"], ["put", "1"]):
        done = subprocess.run([sys.executable, "train.py", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
