"""Tasks of joblib's worker processes: what a control holds there, and what is told about their draws."""

import importlib.util
import json

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")

# which worker runs which task depends on the task that waits
DRAWS = """\
import random, sys, time
import numpy
from joblib import Parallel, delayed

def draw(number, backend, slow):
    if number == int(slow):
        time.sleep(0.5)
    return number, numpy.random.rand(), random.random(), random.Random().random(), numpy.random.default_rng().random()

if __name__ == "__main__":
    numbers = [Parallel(n_jobs=2, backend=sys.argv[1])(delayed(draw)(n, *sys.argv[1:]) for n in range(6)) for _ in "12"]
    print(numbers)
    assert len({number for some in numbers for _, *drawn in some for number in drawn}) == 48
"""
SEARCHES = """\
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

X, y = make_classification(60, 4, n_redundant=0, random_state=0)
model = RandomForestClassifier(3{seed})
cross_val_score(model, X, y, cv=2, n_jobs=2)
"""
OWN_ESTIMATOR = """\
import cloudpickle
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

class Mean(BaseEstimator):
    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, x, y):
        self.mean_ = y.mean() + self.shift
        return self

    def score(self, x, y):
        return -abs(y.mean() - self.mean_)

x = np.arange(8.0).reshape(-1, 1)
search = GridSearchCV(Mean(), {"shift": [0.0, 1.0]}, n_jobs=2, cv=2).fit(x, x[:, 0])
print(search.best_params_, b"samebits" in cloudpickle.dumps(search.best_estimator_))
"""
CONTROLS = ["python-seed", "numpy-seed", "numpy-generator"]


def told(trial, name):
    assert trial.exit_code == 0, trial.stderr
    files = sorted((trial.folder / "processes").glob("*/events.jsonl"))
    found = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert not [event for event in found if event["event"] == "probe-failed"]
    return [event for event in found if event["event"] == name]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_task_draws_the_same_numbers_in_any_worker(watched_run, backend):
    trials = [watched_run(None, DRAWS, backend, slow, controls=CONTROLS, seed=1) for slow in (0, 1)]
    assert trials[0].stdout == trials[1].stdout, [trial.stderr for trial in trials]
    assert {event["id"] for event in told(trials[0], "drew-in-worker")} == {"numpy-seed"}


def test_tasks_in_threads_share_the_generators_of_their_process(watched_run):
    assert not told(watched_run(None, DRAWS, "threading", 0, controls=CONTROLS, seed=1), "drew-in-worker")


def test_a_seed_that_a_task_sets_wins(watched_run):
    text = DRAWS.replace("    if number", "    numpy.random.seed(number)\n    if number").replace("== 48", "== 42")
    free, held = watched_run(None, text, "loky", 0), watched_run(None, text, "loky", 0, controls=CONTROLS, seed=1)
    assert not told(held, "drew-in-worker")
    drawn = [[row[1] for some in eval(trial.stdout) for row in some] for trial in (free, held)]
    assert drawn[0] == drawn[1]


def test_the_estimators_that_draw_in_workers_are_told_with_the_line_that_gives_the_tasks(watched_run):
    trial = watched_run(None, SEARCHES.format(seed=""), controls=["numpy-seed"], seed=1)
    drawn = {(event["place"][1], *event["unseeded"]) for event in told(trial, "drew-in-worker")}
    assert drawn == {(7, "RandomForestClassifier")}
    seeded = watched_run(None, SEARCHES.format(seed=", random_state=1"), controls=["numpy-seed"], seed=1)
    assert not told(seeded, "drew-in-worker")


def test_fix_sees_the_draws_of_workers(watched_run):
    trial = watched_run(None, SEARCHES.format(seed=""), draws=True)
    drawn = [(event["generator"], event["places"][0][1]) for event in told(trial, "drew")]
    assert ("numpy", 7) in drawn
    assert all(
        "RandomForestClassifier" in event["unseeded"] for event in told(trial, "drew") if event["places"][0][1] == 7
    )


def test_an_estimator_of_the_script_is_written_for_workers_as_without_samebits(watched_run):
    pytest.importorskip("cloudpickle")
    trial = watched_run(None, OWN_ESTIMATOR)
    assert (trial.exit_code, trial.stdout) == (0, "{'shift': 0.0} False\n"), trial.stderr
