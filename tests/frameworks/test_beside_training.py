"""Real trainings that repeat although values beside them differ, and some that do not: judged by their traces."""

import sys

import pytest

from samebits.comparison import judge
from samebits.model import FilesFile, Options, RecordFile, TrialFile
from samebits.store.trace import TrialTrace, read_process
from samebits_probe import wire

of_torch = pytest.mark.usefixtures("late_compiler")

SETUP = """
import os, time, uuid, torch, torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.body = nn.Linear(4, 2); self.register_buffer("last", torch.zeros(1), persistent=PERSISTENT)
        self.saved = 0.0
    def forward(self, x, stamp=None):
        return self.body(x)
def train(net, optimizer, stamp=None, beside=0.0):
    for _ in range(3):
        optimizer.zero_grad(); (net(torch.randn(8, 4), stamp=stamp).pow(2).mean() + beside).backward(); optimizer.step()
PERSISTENT = False
"""
SEEDED = SETUP + "torch.manual_seed(0); net = Net(); optimizer = torch.optim.SGD(net.parameters(), 0.1)\n"
TRAINED = "train(net, optimizer)\n"


@pytest.fixture
def judged(watched_run):
    """Function(text) -> the result of two trials of a program, in which NUMBER differs."""

    def of(text):
        trials = []
        for number in (1, 2):
            run = watched_run(sys.executable, f"NUMBER = {number}.5\n{text}")
            assert run.exit_code == 0, run.stderr
            processes = [read_process(path) for path in sorted((run.folder / wire.PROCESSES).iterdir())]
            file = TrialFile(id=number, status="complete", exit_code=0, started="2026-12-01", seconds=1.0)
            trials.append(TrialTrace(file, FilesFile(), [process for process in processes if process is not None]))
        record = RecordFile(
            samebits="0.1.0", created="2026-12-01T00:00:00+00:00", command=["python", "program.py"], directory="/",
            hash="xxh3", options=Options(trials=2),
        )  # fmt: skip
        return judge(record, trials)

    return of


REPEATS = {
    "a time, an id and a process id in a group of the optimizer": (
        "optimizer.param_groups[0].update(at=time.time(), name='run-' + uuid.uuid4().hex, pid=os.getpid(), by=id(net))\n"
        + TRAINED
    ),
    "a time in the state of the optimizer": "train(net, optimizer); optimizer.state[net.body.weight]['at'] = time.time()\n"
    + TRAINED,
    "an input that is not used": "train(net, optimizer, stamp=torch.tensor([NUMBER]))\n",
    "a buffer that is not saved": "net.last.fill_(NUMBER)\n" + TRAINED,
    "moments of any clock in attributes": "net.saved = time.time(); net.log = [0.5, time.perf_counter()]; net.by = id(net)\n"
    + TRAINED,
}


@pytest.mark.parametrize("program", REPEATS.values(), ids=REPEATS)
@of_torch
def test_what_trains_nothing_and_is_understood_is_a_note(judged, program):
    result = judged(SEEDED + program)
    assert result.verdict == "repeated", result.sentence
    assert any("but trained nothing" in warning for warning in result.warnings), result.warnings


UNKNOWN = {
    "a number that is added to the loss": ("train(net, optimizer, beside=NUMBER)\n", "forward loss"),
    "a number in an attribute": ("net.saved = NUMBER\n" + TRAINED, "end saved"),
    "a number in a group of the optimizer": (
        "optimizer.param_groups[0]['gain'] = NUMBER\n" + TRAINED,
        "update param_groups.0/gain",
    ),
}


@pytest.mark.parametrize(("program", "place"), UNKNOWN.values(), ids=UNKNOWN)
@of_torch
def test_a_number_that_may_be_a_result_is_unknown(judged, program, place):
    result = judged(SEEDED + program)
    assert result.verdict == "inconclusive", result.sentence
    assert place in result.reason


COUNTS = {
    "a buffer that is saved": SEEDED.replace("PERSISTENT = False", "PERSISTENT = True") + "net.last.fill_(NUMBER)\n" + TRAINED,
    "a tensor in an attribute": SEEDED + "net.saved = torch.full((3,), NUMBER)\n" + TRAINED,
    "a learning rate": SEEDED + "optimizer.param_groups[0]['lr'] = NUMBER / 10\n" + TRAINED,
    "a model that is alive and took no step": SEEDED + "other = nn.Linear(2, 1); other.weight.data.fill_(NUMBER); other(torch.ones(1, 2))\n"
    + TRAINED,
}  # fmt: skip


@pytest.mark.parametrize("program", COUNTS.values(), ids=COUNTS)
@of_torch
def test_what_a_model_saves_and_what_trains_counts(judged, program):
    assert judged(program).verdict == "diverged"


DESCRIBED = """
def described():
    net = nn.Linear(4, 2)
    with torch.no_grad():
        net.weight.fill_(NUMBER); net(torch.ones(1, 4))
    return KEPT
kept = described()
torch.manual_seed(0); net = Net(); train(net, torch.optim.SGD(net.parameters(), 0.1))
"""


@pytest.mark.parametrize(
    ("kept", "verdict"), [("None", "repeated"), ("net", "diverged"), ("net.state_dict()", "inconclusive")]
)
@of_torch
def test_a_model_that_only_described_itself_does_not_decide_unless_it_is_held(judged, kept, verdict):
    result = judged(SETUP + DESCRIBED.replace("KEPT", kept))
    assert result.verdict == verdict, result.sentence


VECTORS = """
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
texts, labels = ["the cat sat", "a dog barked", "cats and dogs", "no animals here"], [0, 1, 0, 1]
kept = [bytearray(int(NUMBER * 1000)), list("the and".split())]
alone = CountVectorizer(stop_words=kept[1]).fit(texts)
both = make_pipeline(TfidfVectorizer(stop_words=["the"]), LogisticRegression()).fit(texts, labels)
"""


def test_a_vectorizer_repeats_alone_and_in_a_pipeline(judged):
    result = judged(VECTORS)
    assert result.verdict == "repeated", result.sentence


SEARCHED = """
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
X, y = [[float(n), n % 3.0] for n in range(12)], [0, 1] * 6
search = GridSearchCV(SGDClassifier(random_state=0, max_iter=5, tol=None), {"alpha": [0.1, 0.01]}, cv=2).fit(X, y)
"""


def test_the_times_of_a_search_are_open_and_nothing_else_is(judged):
    result = judged(SEARCHED)
    assert result.verdict == "inconclusive"
    assert "_time" in result.reason
    noted = [warning for warning in result.warnings if "but trained nothing" in warning]
    assert not [warning for warning in noted if "score_" in warning.replace("score_time", "")]
