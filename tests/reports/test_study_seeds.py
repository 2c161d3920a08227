"""A study of several seeds: the parts of the variance, and what its report says."""

import json
import random
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.cli import main
from samebits_study.reports.components import components
from samebits_study.results import RESULT, StudyResult
from samebits_study.seeds import SEEDS

STUDY = Path(__file__).resolve().parents[2] / "docs/study/regression-small/study.json"
values = st.floats(-100, 100).map(lambda value: round(value, 3))


def test_the_parts_of_known_values_are_those_of_an_analysis_of_variance():
    parts = components([[1.0, 3.0], [5.0, 7.0], [9.0, 11.0]])
    assert parts.mean == 6
    assert parts.of_trials.deviation**2 == pytest.approx(2)  # each pair is 2 apart
    assert parts.of_seeds.deviation**2 == pytest.approx(15)  # the means are 4 apart: 16, less half of 2


@given(st.lists(st.tuples(values, values), min_size=2, max_size=7), values)
def test_a_shift_moves_only_the_mean_and_each_interval_holds_its_deviation(seeds, shift):
    parts, moved = components(seeds), components([[value + shift for value in seed] for seed in seeds])
    assert moved.mean == pytest.approx(parts.mean + shift, abs=1e-6)
    for part, other in zip(parts[1:], moved[1:], strict=True):
        assert other == pytest.approx(part, rel=1e-3, abs=1e-3)
        assert part.low <= part.deviation <= part.high


@given(st.lists(values, min_size=2, max_size=7, unique=True))
def test_seeds_whose_trials_agree_differ_by_the_seed_alone(means):
    parts = components([[mean, mean] for mean in means])
    assert parts.of_trials == (0, 0, 0)
    assert parts.of_seeds.deviation == pytest.approx(statistics.stdev(means))


@pytest.mark.parametrize(("of_seeds", "of_trials"), [(1.0, 1.0), (0.2, 1.0), (2.0, 0.1)])
def test_the_intervals_hold_the_truth_as_often_as_they_say(of_seeds, of_trials):
    draw, held = random.Random(5), [0, 0]
    for _ in range(400):
        means = [draw.gauss(0, of_seeds) for _ in range(7)]
        parts = components([[draw.gauss(mean, of_trials) for _ in range(2)] for mean in means])
        for place, (part, truth) in enumerate(zip(parts[1:], (of_seeds, of_trials), strict=True)):
            held[place] += part.low <= truth <= part.high
    assert min(held) > 0.92 * 400


@pytest.fixture
def folder(tmp_path):
    """The published study of the regression under three seeds; its models as they are."""
    known = StudyResult.model_validate_json(STUDY.read_bytes())
    for seed in (1, 2, 3):
        own = tmp_path / f"seed-{seed}"
        own.mkdir()
        (own / RESULT).write_text(known.model_copy(update={"seed": seed}).model_dump_json())
    study = {"format": 1, "samebits": "0.1.0", "study": "regression", "scale": "small", "trials": 7, "seeds": [1, 2, 3],
             "folders": ["seed-1", "seed-2", "seed-3"]}  # fmt: skip
    (tmp_path / SEEDS).write_text(json.dumps(study))
    return tmp_path


def test_a_report_says_what_seeds_and_trials_add(folder, capsys):
    main(["report", str(folder), "--html", str(folder / "page.html")])
    said, page = capsys.readouterr().out, (folder / "page.html").read_text()
    assert "3 seeds, 7 trials of each" in said
    assert "pytorch: " in said
    assert "standard deviation between seeds 0, between trials of one seed 0." in said  # the same study three times
    assert "each of 18 further trials gave the value of the first trial of its seed." in page
    assert "--seeds 1,2,3" in page
    main(["report", str(folder), "--json", "-"])
    measures = json.loads(capsys.readouterr().out)["measures"]
    assert {one["of_seeds"]["deviation"] for one in measures} == {0}


@pytest.mark.parametrize("seeds", ["1", "1,2,1"])
def test_one_seed_or_a_seed_given_twice_is_refused(seeds, tmp_path, capsys):
    assert main(["study", "regression", "--seeds", seeds, "--out", str(tmp_path / "study")]) == 2
    assert "at least two different seeds, each once" in capsys.readouterr().err


def test_a_folder_with_a_study_of_one_seed_is_refused(folder, capsys):
    assert main(["study", "regression", "--seeds", "1,2", "--out", str(folder / "seed-1")]) == 2
    assert "holds a study of one seed" in capsys.readouterr().err
    assert main(["study", "regression", "--out", str(folder)]) == 2
    assert "holds a study of several seeds" in capsys.readouterr().err
