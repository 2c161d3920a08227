"""What versus reads, refuses and says. No trial is run here."""

import json
import re
from pathlib import Path

import pytest
from builders import module_of

from samebits import cli
from samebits.errors import RecordError, UsageError
from samebits.model import Setup
from samebits.noise import difference, sides
from samebits.noise.report import versus_report
from samebits.noise.result import NoiseResult, TrainingRun, metric_noise
from samebits.noise.sides import MetricSide, read_side
from samebits.noise.versus import VersusRequest, is_command, versus
from samebits.reports.presenters import html, junit, markdown, terminal

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "docs" / "study" / "paper"
STUDY = ROOT / "docs" / "study" / "lenet5-paper"


def side(groups, name="x", machine="m", **given):
    """A side of numbers: seed -> the values of its trainings."""
    trainings = [
        TrainingRun(seed=seed, trial=place + 1, metrics={"dice": value})
        for seed, values in groups.items()
        for place, value in enumerate(values)
    ]
    return MetricSide(name=name, trainings=trainings, machines=[machine], **given)


def cases(*tables, seed=None):
    """A side of tables: each training's case -> value."""
    trainings = [
        TrainingRun(seed=seed, trial=place, metrics={"dice": sum(table.values())}, cases={"dice": table})
        for place, table in enumerate(tables, 1)
    ]
    return MetricSide(name="x", trainings=trainings)


def compared(monkeypatch, a, b, **given):
    """The result for two sides."""
    found = iter((a, b))
    monkeypatch.setattr(sides, "read_side", lambda text: next(found))
    return versus(VersusRequest("a", "b", **given), None)


def main(capsys, *words):
    status = cli.main(["versus", *map(str, words)])
    said = capsys.readouterr()
    return status, said.out + said.err


# -- the paper, and studies -------------------------------------------------------------------------------------------


def test_the_papers_keras_and_pytorch_are_not_told_apart(tmp_path, capsys, fits_schema):
    words = ["--of", "error_rate", "--lower", "error_rate", "--json", tmp_path / "v.json"]
    status, said = main(capsys, *words, PAPER / "unet-tf1.14.csv", PAPER / "unet-pytorch.csv")
    assert status == 0
    assert "B minus A is -0.61 (95 %: -1.35 to 0.127): not told apart" in said
    assert "7 equal trainings with one seed, so they count as one" in said
    text = (tmp_path / "v.json").read_text()
    fits_schema("versus", text)
    found = json.loads(text)["metrics"][0]
    assert found["better"] == pytest.approx(5.5 / 7)
    assert found["floor"] == pytest.approx(0.7965, abs=5e-5)
    assert json.loads(text)["needed"] == 29


def test_the_page_shows_what_its_commands_print(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    shown = (ROOT / "docs" / "study" / "different.md").read_text()
    commands = re.findall(r"^    \$ samebits versus (.*)\n((?:    .*\n)+)", shown, re.MULTILINE)
    assert len(commands) == 2
    for words, lines in commands:
        status, said = main(capsys, *words.split())
        assert status == 0
        assert [line.rstrip() for line in said.splitlines()] == [line[4:] for line in lines.splitlines()]


def test_the_tables_of_the_paper_are_those_that_the_study_quotes():
    script = module_of(ROOT / "docs" / "paper_numbers.py")
    assert script.tables() == {path.name: path.read_text() for path in PAPER.glob("*.csv")}


def test_the_picture_of_the_layers_is_the_one_that_its_script_makes():
    script = module_of(ROOT / "docs" / "noise_layers.py")
    assert script.figure() == (ROOT / "docs" / "explanation" / "noise-layers.svg").read_text()


def test_the_setups_of_a_study_are_sides_and_the_measure_knows_its_direction(capsys):
    status, said = main(capsys, "--of", "wrong", f"{STUDY}:keras-tf1.14-threads", f"{STUDY}/study.json:pytorch")
    assert status == 0
    assert "wrong: B minus A is 8.71" in said
    found = read_side(f"{STUDY}:keras-tf1.14-threads")
    assert found.lower == ["error_rate", "wrong"]
    assert found.repeats is False
    assert len(found.trainings) == 7
    assert {training.model for training in found.trainings} == set("ABCDEFG")


@pytest.mark.parametrize(("name", "said"), [(STUDY, "no setup of it is named"), (f"{STUDY}:keras", "no setup 'keras'")])
def test_a_setup_that_is_not_named_or_not_there_is_refused_with_those_that_are(name, said, capsys):
    status, text = main(capsys, name, name)
    assert status == 2
    assert said in text
    assert "pytorch-1.3" in text


def test_a_study_of_a_task_of_its_own_is_a_side_by_its_own_measures(capsys):
    study = ROOT / "docs" / "study" / "regression-small"
    status, said = main(capsys, "--of", "rmse", f"{study}:keras-tf2.1", f"{study}:pytorch")
    assert status == 0
    assert "rmse: B minus A is" in said
    assert read_side(f"{study}:pytorch").lower == ["error_rate", "wrong", "rmse", "mae"]


def test_a_measure_that_a_model_of_a_study_lacks_is_left_out_and_said(tmp_path):
    document = json.loads((ROOT / "docs" / "study" / "regression-small" / "study.json").read_text())
    (setup,) = [one for one in document["setups"] if one["id"] == "pytorch"]
    setup["models"][1]["scores"]["rmse"] = None
    setup["models"][2]["scores"] = None
    (tmp_path / "study.json").write_text(json.dumps(document))
    found = read_side(f"{tmp_path}:pytorch")
    assert found.warnings == [
        "left out: trial 2: rmse: undefined, or not a finite number",
        "left out: trial 3: rmse, mae, explained: undefined, or not a finite number",
    ]


def test_a_study_that_is_damaged_is_an_error(tmp_path):
    (tmp_path / "study.json").write_text('{"format": 1, "setups": [{"id": "x", "models": [{"digits": {"a": 1}}]}]}')
    with pytest.raises(RecordError, match="cannot be read"):
        read_side(f"{tmp_path}:x")


# -- tables and noise -------------------------------------------------------------------------------------------------


def test_a_table_has_a_line_for_each_training_or_each_case(tmp_path):
    (tmp_path / "t.csv").write_text("seed,trial,case,dice\n1,1,a,0.5\n1,1,b,0.7\n1,2,a,0.6\n1,2,b,0.6\n")
    first, second = read_side(str(tmp_path / "t.csv")).trainings
    assert first.cases == {"dice": {"a": 0.5, "b": 0.7}}
    assert (first.seed, second.trial, second.metrics["dice"]) == (1, 2, pytest.approx(0.6))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line below"),
        ("dice\n", "no line below"),
        ("dice\nnan\n", "dice is 'nan', which is not a finite number"),
        ("dice\nx\n", "could not convert"),
        ("trial,dice\n1,0.5\n1,0.6\n", "trial 1 appears 2 times"),
        ("seed\n1\n", "no training has a metric"),
    ],
)
def test_a_table_without_numbers_is_refused(tmp_path, capsys, text, said):
    (tmp_path / "t.csv").write_text(text)
    status, shown = main(capsys, tmp_path / "t.csv", tmp_path / "t.csv")
    assert status == 2
    assert said in shown


def test_what_is_not_there_is_refused(capsys):
    for name in ("nothing", "nothing.csv", "no/folder:setup", "it's", "python 'a"):
        status, said = main(capsys, name, name)
        assert status == 2
        assert "error of samebits" not in said
        assert name in said


def test_a_noise_is_a_side(tmp_path):
    mine = side({1: [1.0, 2.0]}).trainings
    found = NoiseResult(
        samebits="0", created="", sentence="", command=["x"], trials=2, trainings=mine, repeats=False,
        setup=Setup(command=[], python=None, machine={"processor": "p"}), metrics=[metric_noise(mine, "dice")],
    )  # fmt: skip
    (tmp_path / "noise.json").write_text(found.model_dump_json())
    assert read_side(str(tmp_path)).machines == ["p"]
    assert read_side(str(tmp_path)).trainings == mine


def test_a_noise_without_a_number_is_no_side(tmp_path):
    found = NoiseResult(
        samebits="0", created="", verdict="inconclusive", sentence="No training gave a number (why).", reason="why",
        command=["x"], trials=2, setup=Setup(command=[], python=None),
    )  # fmt: skip
    (tmp_path / "noise.json").write_text(found.model_dump_json())
    with pytest.raises(UsageError, match=r"No training gave a number \(why\)"):
        read_side(str(tmp_path))


@pytest.mark.parametrize("silent", ["a", "b"])
def test_a_side_with_numbers_keeps_them_beside_one_that_has_none(monkeypatch, silent):
    def read(text):
        if text == silent:
            raise sides.NoNumbers(f"{text}: No training gave a number.", "")
        return side({1: [1.0, 2.0]}, name=text)

    monkeypatch.setattr(sides, "read_side", read)
    given = versus(VersusRequest("a", "b"), None)
    assert given.verdict == "inconclusive"
    assert {one.name: len(one.trainings) for one in (given.a, given.b)} == {silent: 0, "ab".strip(silent): 2}


def test_a_command_has_several_words_and_no_file_of_its_name(tmp_path):
    assert is_command("python train.py --seed {seed}")
    (tmp_path / "my study").mkdir()
    assert not is_command(str(tmp_path / "my study"))
    assert not is_command("record")


# -- what is counted --------------------------------------------------------------------------------------------------


def test_seeds_of_both_sides_are_pairs_of_their_means(monkeypatch):
    a = side({seed: [seed + 0.1, seed - 0.1] for seed in range(5)})
    b = side({seed: [seed + 1 + seed / 100] * 2 for seed in range(5)})
    found = compared(monkeypatch, a, b)
    one = found.metrics[0]
    assert (one.unit, one.numbers, one.method) == ("pairs of seeds", [5, 5], "t, paired")
    assert one.pairs == pytest.approx([1, 1.01, 1.02, 1.03, 1.04])
    assert one.answer == "different"
    assert one.better == 1
    assert "B is better" in found.sentence
    assert "B is worse" in compared(monkeypatch, a, b, lower=["dice"]).sentence


def test_trainings_of_one_seed_do_not_count_as_seeds(monkeypatch):
    a = side({seed: [1.0, 1.1, 0.9, 1.05, 0.95] for seed in (1, 2, 3)})
    b = side({seed: [2.0, 2.1, 1.9, 2.05, 1.95 + seed] for seed in (1, 2, 3)})
    found = compared(monkeypatch, a, b)
    assert found.metrics[0].answer == "too-few"
    assert found.verdict == "inconclusive"
    assert "too few for an interval: a side has 3 seeds, and 5 are needed" in found.sentence


@pytest.mark.parametrize(("a", "counted"), [({1: [0.9, 0.91, 0.92, 0.93, 0.94]}, 1), ({None: [0.9] * 5}, 1)])
def test_trainings_of_one_seed_are_not_told_apart_from_several_seeds(monkeypatch, a, counted):
    found = compared(monkeypatch, side(a), side({seed: [0.8 + seed / 1000] for seed in range(5)}))
    one = found.metrics[0]
    assert (one.answer, one.unit, one.numbers) == ("too-few", "seeds", [counted, 5])
    assert f"a side has {counted} seed, and 5 are needed" in found.sentence


def test_trainings_without_known_seeds_count_beside_seeds(monkeypatch):
    a, b = side({None: [0.9, 0.91, 0.92, 0.93, 0.94]}), side({seed: [0.8 + seed / 1000] for seed in range(5)})
    assert compared(monkeypatch, a, b).metrics[0].numbers == [5, 5]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-100, 1.0, 1e100, 1e170, 1e300])
def test_numbers_of_any_size_are_told_apart_only_by_an_interval(monkeypatch, scale):
    a, b = side({None: [scale * (n + 0.5) for n in range(6)]}), side({None: [scale * n for n in range(6)]})
    one = compared(monkeypatch, a, b).metrics[0]
    assert one.answer == "not-told-apart"
    assert one.low / scale == pytest.approx(-2.9067, abs=1e-3)
    assert one.floor / scale == pytest.approx(7**0.5)


def test_different_seeds_are_compared_without_pairs(monkeypatch):
    a, b = side({seed: [1.0 + seed / 7] for seed in range(5)}), side({seed: [seed / 9] for seed in range(10, 16)})
    one = compared(monkeypatch, a, b).metrics[0]
    assert (one.unit, one.numbers) == ("seeds", [5, 6])
    assert one.floor is None


def test_trainings_without_a_seed_are_not_called_seeds(monkeypatch):
    found = compared(monkeypatch, side({None: [1.0, 1.1, 1.2]}), side({1: [1.0, 1.3], 2: [1.1]}))
    said = terminal.render(versus_report(found))
    assert " A        x: 3 trainings, no seed given\n" in said
    assert " compared 3 trainings of A and 2 seeds of B\n" in said


def test_seeds_of_one_side_only_are_left_out_and_said(monkeypatch):
    a = side({seed: [seed / 7] for seed in range(6)})
    b = side({seed: [seed / 9] for seed in range(7)})
    found = compared(monkeypatch, a, b)
    assert found.metrics[0].numbers == [6, 6]
    assert any("1 seed on one side only" in text for text in found.warnings)


def test_sides_that_repeat_have_no_interval_and_it_is_said(monkeypatch):
    found = compared(monkeypatch, side({None: [1.0] * 7}), side({None: [2.0] * 7}))
    assert (found.metrics[0].answer, found.verdict) == ("repeats", "inconclusive")
    assert "the floor is zero" in found.sentence
    assert not any("the interval holds" in text for text in found.warnings)
    equal = compared(monkeypatch, side({None: [1.0] * 7}), side({None: [1.0] * 7}))
    assert (equal.metrics[0].answer, equal.metrics[0].better, equal.verdict) == ("equal", 0.5, None)


def test_an_equal_metric_is_no_answer_if_the_others_repeat_and_differ(capsys):
    study = ROOT / "docs" / "study" / "unet-counting"
    status, said = main(capsys, f"{study}:pytorch-1.3", f"{study}:pytorch")  # their recall is equal
    assert status == 3
    assert "f1: B minus A is -0.00578: the trainings of each side are equal" in said


def test_two_models_only_are_said_since_the_interval_is_then_rough(monkeypatch):
    a, b = side({None: [1.0, 1.2, 1.1, 1.3, 1.0]}), side({None: [6.72] * 5 + [8.22] * 2})
    assert any("B has only two different numbers" in text for text in compared(monkeypatch, a, b).warnings)


def test_other_machines_and_several_metrics_are_said(monkeypatch):
    a, b = side({None: [1.0, 1.2, 1.1, 1.3, 1.0]}), side({None: [1.1, 1.2, 1.1, 1.5, 1.0]}, machine="n")
    assert "2 machines (m; n)" in "\n".join(compared(monkeypatch, a, b).warnings)


def test_metrics_that_are_not_on_both_sides_are_refused(monkeypatch):
    other = MetricSide(name="y", trainings=[TrainingRun(trial=1, metrics={"loss": 1.0})])
    with pytest.raises(UsageError, match="no metric in common: A has dice; B has loss"):
        compared(monkeypatch, side({None: [1.0]}), other)
    with pytest.raises(UsageError, match="do not both have the metric 'loss'"):
        compared(monkeypatch, side({None: [1.0]}), side({None: [1.0]}), only=["loss"])


# -- test cases -------------------------------------------------------------------------------------------------------


def test_cases_that_flip_are_those_in_which_the_sides_do_not_overlap():
    a = cases({"u": 0.0, "v": 1.0, "w": 0.0}, {"u": 0.0, "v": 1.0, "w": 1.0})
    b = cases({"u": 1.0, "v": 0.5, "w": 1.0}, {"u": 1.0, "v": 0.6, "w": 1.0})
    one = difference.compare(a, b)[0]
    assert [(flip.case, flip.better) for flip in one.flips] == [("u", True), ("v", False)]
    assert (one.cases, one.unsteady) == (3, 2)  # w of A and v of B
    assert [flip.better for flip in difference.compare(a, b, lower=["dice"])[0].flips] == [False, True]


def test_sides_that_were_tested_on_different_cases_are_refused():
    with pytest.raises(UsageError, match=r"tested on different cases: 2 belong to one side only \(v, w\)"):
        difference.compare(cases({"u": 1.0, "v": 1.0}), cases({"u": 1.0, "w": 1.0}))


def study(folder, groups, digest="d"):
    """A study of ten cells or digits in which each setup's models missed these: setup -> the missed of each model."""
    setups = []
    for name, (measures, missed) in groups.items():
        models = [
            {"trial": trial, "machine": "m", measures: {**_measured(measures, len(one)), "missed": one}}
            for trial, one in enumerate(missed, 1)
        ]
        setups.append({"id": name, "groups": [[trial] for trial in range(1, len(models) + 1)], "models": models})
    document = {"format": 1, "data": {"digest": digest}, "setups": setups}
    folder.mkdir(exist_ok=True)
    (folder / "study.json").write_text(json.dumps(document))
    return folder


def _measured(measures, missed):
    if measures == "cells":
        return {"recall": (10 - missed) / 10, "cells": 10}
    return {"wrong": missed, "undecided": 1, "confusion": [[5, 0], [4, 0]]}


def test_the_digits_that_flip_between_two_setups_of_a_study_are_named(tmp_path, capsys):
    place = study(tmp_path / "s", {"a": ("digits", [[1, 2], [1, 3], [1]]), "b": ("digits", [[2, 4], [4], [4, 2]])})
    status, said = main(capsys, "--of", "wrong", f"{place}:a", f"{place}:b")
    assert status == 3  # three trainings are too few for an interval
    assert "wrong: 2 of 10 test cases flip: 1 better with B, 1 worse; 2 differ between trainings" in said
    assert "test digit 1" in said
    assert "test digit 4" in said
    assert "digit 3" not in said


def test_a_cell_that_only_one_setup_finds_flips(tmp_path):
    place = study(tmp_path / "s", {"a": ("cells", [["f 1, cell 7"]] * 2), "b": ("cells", [[], []])})
    one = difference.compare(read_side(f"{place}:a"), read_side(f"{place}:b"))[0]
    assert one.name == "recall"
    assert (one.cases, one.unsteady) == (10, 0)
    assert [(flip.case, flip.a, flip.b, flip.better) for flip in one.flips] == [("f 1, cell 7", 0, 1, True)]


def test_cases_of_studies_with_different_data_are_not_compared(tmp_path, capsys):
    models = {"a": ("digits", [[1], [2]])}
    sides_of = [f"{study(tmp_path / name, models, digest=name)}:a" for name in ("s", "t")]
    _, said = main(capsys, "--of", "wrong", *sides_of)
    assert "wrong: A and B have different data, so their test cases are not compared one by one" in said
    assert "flip" not in said


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_every_format_shows_the_answer_the_dots_and_the_flips(monkeypatch):
    names = {f"case-{place}": float(place) for place in range(12)}
    moved = {name: value + 1 + value / 9 for name, value in names.items()}
    result = compared(monkeypatch, cases(names, names), cases(moved, moved))
    shown = versus_report(result)
    for text in (terminal.render(shown), markdown.render(shown), html.render(shown)):
        assert "B minus A" in text
        assert "12 of 12 test cases flip" in text
        assert "case-11" in text
    assert 'errors="1"' in junit.render(shown)


def test_a_page_has_a_drawing_of_the_trainings_and_of_the_difference(monkeypatch):
    a, b = side({None: [1.0, 1.2, 1.1, 1.3, 1.0]}), side({None: [1.1, 1.2, 1.1, 1.5, 1.0]})
    result = compared(monkeypatch, a, b)
    page, text = html.render(versus_report(result)), terminal.render(versus_report(result))
    assert page.count("data:image/svg+xml;base64,") == 2
    assert result.sentence in page
    line = next(line for line in text.splitlines() if "B minus A |" in line)
    assert line.count("[") == line.count("]") == line.count("o") == 1
    assert "=" in line
    assert '<property name="dice.answer" value="not-told-apart" />' in junit.render(versus_report(result))


@pytest.mark.parametrize("unseeded", [[], ["python"]])
def test_an_unseeded_program_is_not_said_to_have_one_seed(monkeypatch, unseeded):
    a, b = (side({None: [1.0, 1.1, 1.2, 1.3, 1.5 + n]}, unseeded=unseeded) for n in (0, 1))
    said = " ".join(compared(monkeypatch, a, b).warnings)
    assert ("one seed only" in said) == (not unseeded)


def test_no_probability_is_shown_for_sides_that_are_not_told_apart(monkeypatch):
    told, apart = side({None: [9.0, 9.1, 9.2, 9.3, 9.4]}), side({None: [1.0, 1.1, 1.2, 1.3, 1.4]})
    assert "P(B better)" in compared(monkeypatch, apart, told).sentence
    same = compared(
        monkeypatch, side({None: [1.0, 1.1, 1.2, 1.3, 1.4]}), side({None: [1.0, 1.1, 1.2, 1.3, 1.5]})
    ).sentence
    assert same.endswith("not told apart. 5 trainings a side find a true difference of 0.358 in 80 % of cases.")
    assert "P(B better)" not in same


def test_metrics_that_contradict_each_other_are_named_in_the_headline(capsys):
    study = ROOT / "docs" / "study" / "unet-counting"
    status, said = main(capsys, f"{study}:keras-tf1.14", f"{study}:pytorch-1.3-glorot")
    assert status == 0
    assert "B is better in error_rate, but worse in f1, dice, precision, recall and dice_of_all_pixels" in said
    assert "counted" not in said  # a number of counted cells has no better side
    _, agree = main(capsys, "--of", "f1", "--of", "dice", f"{study}:keras-tf1.14", f"{study}:pytorch")
    assert "contradict" not in agree


def test_a_probability_has_its_interval_and_nothing_is_said_to_show_what_nothing_can_show(monkeypatch):
    pairs = [side({seed: [seed + shift * (seed % 4)] for seed in range(6)}) for shift in (0.0, 1.0)]
    found = compared(monkeypatch, *pairs)
    assert (found.metrics[0].answer, found.needed) == ("not-told-apart", 43)
    assert "0.83 (0.44 to 0.97)" in terminal.render(versus_report(found))
    assert 'name="dice.better_low" value="0.43' in junit.render(versus_report(found))
    repeat = compared(monkeypatch, side({None: [1.0] * 7}), side({None: [2.0] * 7}))
    assert repeat.metrics[0].needed is None
    assert "needed" not in terminal.render(versus_report(repeat))
