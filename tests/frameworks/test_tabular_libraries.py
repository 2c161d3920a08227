"""scikit-learn, XGBoost and LightGBM are seen unedited: which fits and rounds are steps, and what is compared of them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FITS = Path(__file__).parent.parent / "samples" / "sklearn_fits.py"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed")


@pytest.fixture
def fitted(shared_run):
    """Function(names, *words, attempt=1) -> the process that fitted these models."""

    def run(names, *words, attempt=1):
        for library in ("xgboost", "lightgbm"):
            if library in names and importlib.util.find_spec(library) is None:
                pytest.skip(f"{library} is not installed beside {sys.executable}")
        return shared_run(None, FITS, names, *words, attempt=attempt).sound()

    return run


def evidence(process):
    """All that was compared, without the states of generators that nobody uses."""
    return [row for row in process.rows if row[1] != "rng"]


def without(rows, part):
    """Rows of points whose names do not hold a text."""
    return [row for row in rows if part not in row[2]]


SEVERAL = "forest,threads,network,boosted,pipeline,part_by_part,others"


def test_each_outermost_fit_is_a_step_and_two_seeded_runs_are_equal(fitted):
    first, second = fitted(SEVERAL), fitted(SEVERAL, attempt=2)
    assert first.steps == 14
    assert first.names("batch", 0) == ["RandomForestClassifier/X", "RandomForestClassifier/y"]
    assert "RandomForestClassifier.estimators_.3" in first.names("update", 0)
    assert "MLPClassifier.coefs_.0" in first.names("update", 2)
    assert "MLPClassifier.loss_" in first.names("forward", 2)
    assert {"Pipeline.steps.0", "Pipeline.steps.0.1.mean_", "Pipeline.steps.1"} <= set(first.names("update", 5))
    assert not [name for name in first.names("update") if "tree_" in name]
    assert {"SGDClassifier.coef_"} <= set(first.names("update", 6)) & set(first.names("update", 8))
    assert {"KMeans.cluster_centers_", "PCA.components_", "SVC.support_vectors_"} <= set(first.names("end"))
    assert evidence(first) == evidence(second)
    assert first.not_observed == []


def test_a_moment_of_the_run_in_an_attribute_does_not_count(fitted):
    first, second = fitted("dated"), fitted("dated", attempt=2)
    assert {"RandomForestClassifier.notes.limit", "RandomForestClassifier.estimators_.3"} <= set(first.names("end"))
    assert not [name for name in first.names("end") if "trained" in name]
    elapsed = [value for _, name, _, value in first.scalars if name == "RandomForestClassifier.elapsed"]
    assert len(elapsed) == 1
    assert any(begin <= elapsed[0] <= end for begin, end in first.end["clocks"])
    assert without(evidence(first), "elapsed") == without(evidence(second), "elapsed")


def test_a_part_of_an_estimator_that_is_named_after_a_time_counts(fitted):
    first, second = fitted("timed", "unseeded"), fitted("timed", "unseeded", attempt=2)
    differ = {
        row[2] for one, other in zip(evidence(first), evidence(second), strict=True) for row in [one] if one != other
    }
    assert {"Timed.timestamp_encoder_", "Timed.fills_.elapsed"} <= differ


@pytest.mark.slow
def test_what_fits_within_a_search_in_processes_is_a_part_of_it(fitted):
    first, second = fitted("search"), fitted("search", attempt=2)
    assert (first.steps, second.steps) == (1, 1)
    assert "GridSearchCV.best_estimator_" in first.names("update", 0)
    assert "GridSearchCV.cv_results_.mean_fit_time" in first.names("update", 0)
    assert without(evidence(first), "_time") == without(evidence(second), "_time")


def test_fits_beside_each_other_in_a_pool_of_threads_are_said_and_those_within_a_search_are_not(fitted):
    apart, within = fitted("beside_each_other"), fitted("search_in_threads,one_after_the_other_in_threads")
    assert apart.not_observed == ["training in another thread"]
    assert (within.steps, within.not_observed) == (3, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forest,network", "threads"])
def test_a_model_without_a_seed_differs_and_its_data_do_not(fitted, name):
    first, second = fitted(name, "unseeded"), fitted(name, "unseeded", attempt=2)
    assert first.prints("batch") == second.prints("batch")
    assert first.prints("update", 0) != second.prints("update", 0)
    assert dict(first.prints("rng", -1))["numpy"] != dict(second.prints("rng", -1))["numpy"]


def test_check_names_the_generator_of_a_forest_without_a_seed(tmp_path):
    command = [
        sys.executable,
        "-m",
        "samebits",
        "check",
        "-n",
        "2",
        "--out",
        str(tmp_path / "record"),
        "--timeout",
        "100",
    ]
    command += ["--json", "-", "--", sys.executable, str(FITS), "forest", "unseeded"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env={**os.environ})
    result = json.loads(done.stdout)
    assert (result["verdict"], result["divergence"]["kind"]) == ("diverged", "update")
    assert result["divergence"]["name"] == "RandomForestClassifier.estimators_.0"
    assert any("numpy's global RNG is unseeded" in str(warning) for warning in result["warnings"])


@pytest.mark.parametrize(
    ("name", "loss"), [("xgboost", "Booster.train-rmse"), ("lightgbm", "Booster.training.binary_logloss")]
)
def test_each_boosting_round_is_a_step(fitted, name, loss):
    seen = fitted(name)
    assert seen.steps == 3
    for step in range(3):
        assert seen.names("batch", step) == ["Booster/data", "Booster/label"]
        assert seen.names("forward", step) == [loss]
        assert seen.names("update", step) == ["Booster.round"]
    assert len({found for _, found in seen.prints("update")}) == 3
    assert "Booster.model" in seen.names("end", 3)
    assert len([scalar for scalar in seen.scalars if scalar[1] == loss]) == 3


def test_attributes_of_a_model_of_xgboost_are_compared_by_their_names_and_are_no_part_of_its_trees(fitted):
    first, second, odd = (
        fitted("xgboost_attributes", *words, attempt=n) for n, words in ((1, ()), (2, ()), (1, ("odd",)))
    )
    ends = [dict(one.prints("end")) for one in (first, second, odd)]
    assert [one.prints("update") for one in (second, odd)] == [first.prints("update")] * 2
    times = {"Booster.attributes.when", "Booster.attributes.date"}
    assert (
        times | {"Booster.attributes.note", "Booster.attributes.score", "Booster.attributes.seconds"} < ends[0].keys()
    )
    differ = [{name for name in ends[0] if ends[0][name] != end[name]} for end in ends[1:]]
    assert differ[0] <= {*times, "Booster.attributes.seconds"}
    assert {"Booster.attributes.score", "Booster.attributes.samples"} <= differ[1]


@pytest.mark.parametrize("name", ["lightgbm_train", "lightgbm_loop"])
def test_rounds_and_metrics_of_lightgbm_are_seen_in_train_and_in_a_loop_of_the_program(fitted, name):
    seen = fitted(name)
    assert seen.steps == 3
    for step in range(3):
        assert seen.names("batch", step) == ["Booster/data", "Booster/label"]
        assert seen.names("forward", step) == ["Booster.held.binary_logloss"]
        assert seen.names("update", step) == ["Booster.round"]


def test_the_folds_of_lightgbms_cv_are_their_rows_and_the_data_they_are_made_from(fitted):
    seen = fitted("lightgbm_cv")
    assert seen.steps == 4
    assert [seen.names("update", step) for step in (0, 1)] == [["Booster.round"], ["Booster#2.round"]]
    assert seen.names("batch", 0) == ["Booster/data", "Booster/label", "Booster/rows"]
    rows = [dict(seen.prints("batch", step)) for step in (0, 1)]
    assert rows[0]["Booster/data"] == rows[1]["Booster#2/data"]
    assert rows[0]["Booster/rows"] != rows[1]["Booster#2/rows"]


def test_an_earlier_tree_of_a_dart_model_of_lightgbm_that_differs_is_seen_in_the_next_round(fitted):
    first, second = (fitted("lightgbm_dart", "unseeded", attempt=attempt) for attempt in (1, 2))
    assert first.output == second.output, "the trees that were added have the same bits"
    assert first.prints("update", 0) == second.prints("update", 0)
    assert first.prints("update", 1) != second.prints("update", 1)


def test_a_model_of_lightgbm_that_refit_made_has_its_end(fitted):
    first, same = fitted("lightgbm_refit"), fitted("lightgbm_refit", attempt=2)
    other = fitted("lightgbm_refit", "unseeded")
    assert evidence(first) == evidence(same)
    assert first.prints("update", 1) == other.prints("update", 1)
    ends = [dict(one.prints("end")) for one in (first, other)]
    assert ends[0]["Booster.model"] == ends[1]["Booster.model"]
    assert ends[0]["Booster#2.model"] != ends[1]["Booster#2.model"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("processes",)])
def test_rounds_within_a_search_are_a_part_of_its_step(fitted, words):
    seen = fitted("xgboost_in_a_search", *words)
    assert seen.steps == 3
    assert seen.names("update", 1) == ["Booster.round"]
    assert "GridSearchCV.best_score_" in seen.names("forward", 2)


@pytest.mark.parametrize("names", [SEVERAL, "xgboost", "lightgbm", "lightgbm_train,lightgbm_loop,lightgbm_cv"])
def test_a_watched_fit_has_the_result_of_an_unwatched_one(fitted, names):
    watched = fitted(names)
    plain = subprocess.run([sys.executable, FITS, names], capture_output=True, text=True, check=True)
    assert watched.output == plain.stdout


WITH_IDS = """\
import uuid
from sklearn.linear_model import Ridge
model = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
model._run_id, model._name, model._about = uuid.uuid4().hex, "a name", {"id": str(uuid.uuid4()), "of": "me"}
"""


def test_an_id_that_the_program_was_handed_is_no_content_of_an_estimator(watched_run):
    """MLflow keeps the id of its run on each estimator."""
    one, two = (watched_run(None, WITH_IDS).only for _ in "12")
    names = one.names("end", one.steps)
    assert "Ridge._name" in names
    assert "Ridge._run_id" not in names
    assert evidence(one) == evidence(two)
