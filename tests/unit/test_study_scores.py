"""A study of a task of its own: its data script says what predictions are worth, and the reports show that."""

import json
import statistics
import subprocess
import sys

import numpy as np
import pytest
from builders import module_of

from samebits.errors import DataError
from samebits_study import catalog, conductor, output, scores
from samebits_study.catalog import Study, StudyScale
from samebits_study.reports import facts_of, phrases
from samebits_study.results import ScoredMeasure, SetupResult, StudyResult, TrainedModel

SCRIPT = """
def scores(predictions, data):
    return {"far": abs(predictions - data["test_values"]).max(), "close": None}

def decisions(predictions):
    return predictions > 1
"""
MEASURES = (
    ScoredMeasure(name="far", head="Largest error (mm)", digits=(2, 3)),
    ScoredMeasure(name="close", head="Closeness", digits=(1, 2)),
)
SCALES = {"small": StudyScale(trials=2, epochs=1, data={})}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose data script is the one above."""
    monkeypatch.setattr(catalog, "SCRIPTS", tmp_path)
    (tmp_path / "rulers.py").write_text(SCRIPT)
    np.savez(tmp_path / "data.npz", test_values=np.array([1.0, 2.0]))
    return Study(name="rulers", about="rulers", data="rulers.py", scripts={}, scales=SCALES, measures=MEASURES)


def test_the_scores_are_those_of_the_data_script(study, tmp_path):
    judge = scores.judge_of(study, tmp_path / "data.npz")
    assert judge(np.array([1.0, 5.5])) == {"far": 3.5, "close": None}


def test_a_script_that_lacks_a_measure_or_computes_no_scores_is_said(study, tmp_path):
    (tmp_path / "rulers.py").write_text("def scores(predictions, data):\n    return {'far': 1}\n")
    with pytest.raises(DataError, match="lack close, a measure of the study rulers"):
        scores.judge_of(study, tmp_path / "data.npz")(np.zeros(2))
    (tmp_path / "rulers.py").write_text("")
    with pytest.raises(DataError, match=r"rulers\.py defines no scores"):
        scores.judge_of(study, tmp_path / "data.npz")


def test_baselines_are_judged_as_predictions_are_and_have_a_row_below_the_models(study, tmp_path):
    assert scores.baselines(study, tmp_path / "data.npz") == []
    more = "def baselines(data):\n    yield 'all twos', 'two for each', 0 * data['test_values'] + 2\n"
    (tmp_path / "rulers.py").write_text(SCRIPT + more)
    (made,) = scores.baselines(study, tmp_path / "data.npz")
    assert (made.name, made.about, made.scores) == ("all twos", "two for each", {"far": 1.0, "close": None})
    result = result_of([("a", 1.25), ("a", 1.25), ("b", 4.0)]).model_copy(update={"baselines": [made]})
    table = next(table for table in output.every_table(result) if table.id == "scores")
    assert output.as_csv(table).splitlines()[-1] == "all twos,,1.00,,undefined: the script gives none,"
    assert "All twos: two for each." in table.notes


@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_data_without_a_script_of_its_own_has_no_baselines_there(name, tmp_path):
    assert scores.baselines(catalog.STUDIES[name], tmp_path / "data.npz") == []


def test_baselines_that_fail_are_said_with_what_to_do(study, tmp_path):
    (tmp_path / "rulers.py").write_text(SCRIPT + "def baselines(data):\n    return [('two', 2)]\n")
    with pytest.raises(DataError, match=r"baselines\(data\) of rulers\.py failed: ValueError") as error:
        scores.baselines(study, tmp_path / "data.npz")
    assert "the trainings are kept" in error.value.advice


@pytest.mark.parametrize(
    ("name", "words", "worst"),
    [("diabetes", [], "the mean"), ("scenes", ["--train", "20"], "the true boxes, classes drawn")],
)
def test_the_data_of_a_study_can_be_predicted_better_than_by_chance(name, words, worst, tmp_path):
    """By least squares, or by the truth: so a network that does not beat the worst baseline has not learned."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    path = tmp_path / "data.npz"
    script = catalog.SCRIPTS / f"{name}.py"
    subprocess.run([sys.executable, script, "--out", path, "--seed", "1", "--test", "60", *words], check=True)
    own = next(study for study in catalog.STUDIES.values() if study.data == f"{name}.py")
    first = own.measures[0].name
    found = {one.name: one.scores[first] for one in scores.baselines(own, path)}
    lowest = max if name == "diabetes" else min  # an error, a precision
    assert lowest(found, key=found.get) == worst
    assert max(found.values()) > 1.2 * min(found.values())


def test_predictions_decide_what_the_script_says_or_nothing(study, tmp_path):
    assert conductor.same_decisions(study, np.array([0.9, 1.1]), np.array([0.8, 1.2])) is True
    assert conductor.same_decisions(study, np.array([0.9, 1.1]), np.array([1.8, 1.2])) is False
    (tmp_path / "rulers.py").write_text("")
    assert conductor.same_decisions(study, np.zeros(2), np.zeros(2)) is None


def model(trial, bits, far):
    return TrainedModel(
        trial=trial, weights=bits * 32, predictions=bits * 32, train_seconds=1.0 + trial, test_seconds=0.5,
        machine="a machine", scores={"far": far, "close": None},
    )  # fmt: skip


def result_of(values):
    models = [model(trial, bits, far) for trial, (bits, far) in enumerate(values, 1)]
    setup = SetupResult(
        id="pytorch", about="of today", status="done", verdict="diverged", groups=[[1, 2], [3]], models=models
    )
    return StudyResult(
        samebits="0.1.0", study="rulers", scale="small", created="2026-01-02T03:04:05+00:00", data={}, trials=3,
        epochs=1, arguments=[], measures=list(MEASURES), setups=[setup],
    )  # fmt: skip


def test_tables_and_lines_show_the_scores_of_a_document_alone(tmp_path):
    values = [("a", 1.25), ("a", 1.25), ("b", 4.0)]
    result = StudyResult.model_validate_json(result_of(values).model_dump_json())
    assert phrases.kind(result) == "scores"
    mean, deviation = statistics.mean([1.25, 1.25, 4.0]), statistics.stdev([1.25, 1.25, 4.0])
    (said,) = [fact for fact in facts_of(result.setups[0], result) if fact.startswith("largest error")]
    assert said == f"largest error {mean:.2f} ± {deviation:.3f} mm"
    table = next(table for table in output.every_table(result) if table.id == "scores")
    text = output.as_csv(table).splitlines()
    far = "Largest error (mm), ours"
    assert text[0] == f'Setup,Model,"{far}","{far}, standard deviation","Closeness, ours",Bits'
    assert [line.split(",")[1:3] for line in text[1:4]] == [["1", "1.25"], ["2", "1.25"], ["3", "4.00"]]
    assert text[4].split(",")[1:4] == ["mean", f"{mean:.2f}", f"{deviation:.3f}"]
    assert "undefined" in text[1]
    assert not any(table.of_the_paper for table in output.every_table(result))


def test_a_value_that_is_not_finite_is_read_back_and_shown_as_undefined(tmp_path):
    result = StudyResult.model_validate_json(result_of([("a", float("nan"))] * 3).model_dump_json())
    assert json.loads(result.model_dump_json())["setups"][0]["models"][0]["scores"]["far"] == "NaN"
    assert "undefined (it is nan)" in " ".join(facts_of(result.setups[0], result))


# -- the two studies that are built so ---------------------------------------------------------------------------------


def script(name):
    """A data script of the studies, as a module."""
    return module_of(catalog.SCRIPTS / f"{name}.py")


@pytest.fixture(scope="module")
def scenes():
    """The script of the scenes, and six scenes with their boxes and targets."""
    module, rng = script("scenes"), np.random.default_rng(3)
    digits, classes = rng.uniform(0, 16, (20, 8, 8)), np.arange(20) % 10
    return module, module.arrays_of("test", 6, digits, classes, rng)


def test_targets_of_a_scene_decode_to_its_boxes(scenes):
    module, data = scenes
    found = module.detections(data["test_targets"].astype("float64"), module.SURE)
    true = [(number, *box) for number, boxes in enumerate(data["test_boxes"]) for box in boxes if box[0] >= 0]
    assert len(true) == len(found) > 6
    assert np.allclose(sorted(map(tuple, found[:, [0, 1, 3, 4, 5, 6]])), sorted(true), atol=1e-4)


def test_a_perfect_detector_scores_100_and_a_blind_one_0(scenes):
    module, data = scenes
    perfect = module.scores(data["test_targets"], data)
    assert {round(value, 9) for value in perfect.values()} == {100}
    assert module.scores(np.zeros_like(data["test_targets"]), data) == {
        "average_precision": 0.0, "precision": None, "recall": 0.0,
    }  # fmt: skip


def test_a_box_that_is_elsewhere_or_of_a_wrong_class_is_a_miss_and_a_false_alarm(scenes):
    module, data = scenes
    one = data["test_targets"].copy()
    number, row, column = np.argwhere(one[..., : module.CLASSES].max(-1) > 0)[0]
    label = one[number, row, column, : module.CLASSES].argmax()
    one[number, row, column, : module.CLASSES] = np.eye(module.CLASSES)[(label + 1) % module.CLASSES]
    there = int((data["test_boxes"][..., 0] >= 0).sum())
    for changed in (one, _moved(data["test_targets"], (number, row, column), module)):
        found = module.scores(changed, data)
        assert found["precision"] == pytest.approx(100 * (there - 1) / there)
        assert found["recall"] == pytest.approx(100 * (there - 1) / there)
        assert found["average_precision"] < 100
    assert (module.decisions(one) != module.decisions(data["test_targets"])).sum() == 1


def _moved(targets, cell, module):
    moved = targets.copy()
    moved[cell][module.CLASSES] += 3
    return moved


def test_a_digit_that_is_found_twice_counts_once(scenes):
    module, data = scenes
    boxes, found = data["test_boxes"], module.detections(data["test_targets"].astype("float64"), module.SURE)
    assert module.hits(np.vstack([found, found]), boxes).sum() == module.hits(found, boxes).sum() == len(found)


def test_the_errors_of_a_regression_are_in_the_unit_of_the_data():
    module = script("diabetes")
    data = {"test_values": np.array([100.0, 200.0, 300.0]), "center": np.array(150.0), "scale": np.array(50.0)}
    right = (data["test_values"] - 150)[:, None] / 50
    assert module.scores(right, data) == {"rmse": 0.0, "mae": 0.0, "explained": 1.0}
    off = module.scores(right + np.array([[0.2], [0.0], [0.0]]), data)
    assert off["mae"] == pytest.approx(10 / 3)
    assert off["rmse"] == pytest.approx((100 / 3) ** 0.5)
    assert module.scores(np.full((3, 1), 1.0), data)["explained"] == pytest.approx(0.0)
