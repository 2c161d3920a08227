"""Arrays that the program's globals reach when it ends are recorded under their paths, and nothing of it is run."""

import sys

import pytest

ARRAYS = """
import collections, dataclasses, sys
import numpy as np
from samebits_probe import observe
observe("weights", np.arange(3.0), step=0)

class Lazy:
    def __getattr__(self, name):
        raise SystemExit("an attribute was asked for: " + name)

class Net:
    def __init__(self):
        self.layers = [np.zeros((2, 3)), np.ones(3)]
    @property
    def costly(self):
        raise SystemExit("a property was run")
    def predict(self, x):
        return x

class Noise:
    def __init__(self):
        self.values = np.full(4, -1.0)

class Strange(list):
    def __iter__(self):
        raise SystemExit("an iterator was run")

@dataclasses.dataclass
class State:
    params: dict

lazy, net, noise, strange = Lazy(), Net(), Noise(), Strange([np.zeros(9)])
state = State({"head": {"w": np.ones((5, 1))}})
pair = (np.arange(4), "text", 7)
weights = np.arange(3.0)
texts, number, whole = np.array(["a"]), np.float64(3.0), np.array(5.0)
loop = [1]
loop.append(loop)
"""


def held(process):
    """{path: what is said of it} of the arrays that were recorded."""
    said = [event["arrays"] for event in process.events if event["event"] == "globals"]
    return said[0] if said else {}


@pytest.fixture(scope="module")
def names():
    return ["net.layers.0", "net.layers.1", "noise.values", "strange.0", "state.params.head.w", "pair.0"]


def test_arrays_are_named_by_their_paths_and_no_code_of_the_program_runs(watched_run, names):
    trial = watched_run(sys.executable, ARRAYS)
    assert (trial.exit_code, trial.only.failures) == (0, []), trial.stderr
    assert trial.only.names("end") == ["globals " + name for name in [*names, "weights"]]


def test_the_probe_says_which_arrays_belong_to_a_model_and_keeps_short_ones(watched_run):
    process = watched_run(sys.executable, ARRAYS).only
    assert held(process)["net.layers.0"] == {"model": True}
    assert held(process)["noise.values"] == {}
    kept = [event["name"] for event in process.events if event["event"] == "numbers"]
    assert "globals pair.0" in kept


def test_what_an_end_holds_already_is_not_recorded_again(watched_run):
    program = ARRAYS + "observe('end', np.ones(3), step=0)\n"
    once = ARRAYS + "from samebits_probe.api import current\n"
    once += "probe = current()\nprobe.at_end(lambda: probe.value('end', 'w', np.ones(3)))\n"
    assert "globals net.layers.1" not in watched_run(sys.executable, once).only.names("end")
    assert "globals net.layers.1" in watched_run(sys.executable, program).only.names("end")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_has_none_of_its_own(watched_run, method):
    program = f"""
import multiprocessing
import numpy as np
from samebits_probe import observe
held = np.ones(3)

def child():
    observe("w", 1.0, step=0)

if __name__ == "__main__":
    process = multiprocessing.get_context("{method}").Process(target=child)
    process.start()
    process.join()
"""
    trial = watched_run(sys.executable, program)
    assert sorted(process.names("end") for process in trial.observed) == [[], ["globals held"]]


def test_what_lies_beside_the_program_is_read_too(watched_run, tmp_path):
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "model.py").write_text("import numpy as np\nW = np.ones(2)\n")
    (tmp_path / "beside" / "main.py").write_text(
        "import model\nfrom samebits_probe import observe\nobserve('w', 1.0)\n"
    )
    process = watched_run(sys.executable, tmp_path / "beside" / "main.py").only
    assert process.names("end") == ["globals model.W"]


def test_too_many_arrays_are_said(watched_run):
    program = ARRAYS + "many = [[np.full(1, float(i)) for i in range(4000)] for _ in range(6)]\n"
    process = watched_run(sys.executable, program).only
    assert len(process.names("end")) == 20000
    assert process.not_observed == ["globals"]


LISTS = """
import time
import numpy
from samebits_probe import observe
observe("weights", 1.0, step=0)

class Perceptron:
    def __init__(self):
        self.w, self.history, self.fit_times = [0.5, {0}], [0.25], [time.time()]
    def predict(self, x):
        return x

class StrangeNumbers(list):
    def __iter__(self):
        raise SystemExit("an iterator was run")

perceptron, weights = Perceptron(), StrangeNumbers([0.5])
W, layers, durations = [[0.1, 0.2], [0.3, 1]], {"weights": (0.5, True), "bias": (3, 10**400)}, [time.time()]
"""


def test_lists_of_numbers_in_a_model_are_recorded(watched_run):
    one, two = (watched_run(sys.executable, LISTS.replace("{0}", last)) for last in ("0.25", "0.5"))
    assert (one.exit_code, one.only.failures) == (0, []), one.stderr
    names = ["perceptron.fit_times", "perceptron.history", "perceptron.w"]
    assert sorted(one.only.names("end")) == ["globals " + name for name in names]
    assert held(one.only)["perceptron.w"] == {"model": True}
    prints = [{row[2]: row[4] for row in run.only.rows if row[1] == "end"} for run in (one, two)]
    unlike = sorted(name for name in prints[0] if prints[0][name] != prints[1][name])
    assert unlike == ["globals perceptron.fit_times", "globals perceptron.w"]


REFERENCES = """
import collections, functools
import numpy as np
from samebits_probe import observe
observe("weights", 1.0, step=0)

def fitted():
    w = np.ones(3)
    def predict(x):
        return x @ w
    return predict

class Slotted:
    __slots__ = ("w", "empty")

class Table:
    rows = np.full(2, -1.0)
    @staticmethod
    def scaled(x, by=np.full(2, 3.0)):
        return x * by
    def forward(self, x):
        return x

class Agent:
    def __init__(self):
        self.q = np.full(2, 4.0)
    def act(self):
        return self.q

class Strict(type):
    def __getattribute__(cls, name):
        raise SystemExit("an attribute of a class was asked for: " + name)

class Lazy(metaclass=Strict):
    __slots__ = ()

class Net:
    def __init__(self, value):
        self.w = np.full(2, value)

nets = {Net(11.0), Net(12.0)}
predict, slotted, act = fitted(), Slotted(), Agent().act
slotted.w = np.full(2, 5.0)
queue = collections.deque([np.full(2, 6.0)], maxlen=3)
scaled = functools.partial(np.multiply, np.full(2, 7.0))
scaled_by = lambda x, by=np.full(2, 8.0): x * by
scaled_by.cache = np.full(2, 9.0)
"""


def test_closures_slots_classes_and_methods_are_looked_into(watched_run):
    trial = watched_run(sys.executable, REFERENCES)
    assert (trial.exit_code, trial.only.failures) == (0, []), trial.stderr
    said = held(trial.only)
    assert sorted(said) == [
        "Table.rows", "Table.scaled.func.defaults.0", "act.self.q", "nets.item.w", "predict.w", "queue.0", "scaled.args.0",
        "scaled_by.cache", "scaled_by.defaults.0", "slotted.w",
    ]  # fmt: skip
    assert trial.only.names("end").count("globals nets.item.w") == 2
    models = sorted(name for name in said if said[name].get("model"))
    assert models == ["Table.rows", "Table.scaled.func.defaults.0", "predict.w"]
