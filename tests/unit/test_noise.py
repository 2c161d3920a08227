"""What noise refuses, reads and says. No trial is run here."""

import base64
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits import cli
from samebits.errors import UsageError
from samebits.launch.plan import Request
from samebits.model import Options, Result, Scope, Setup, Trial, TrialFile
from samebits.noise import NoiseRequest, figure, noise, readings
from samebits.noise.report import report
from samebits.noise.result import NoiseResult, TrainingRun, metric_noise
from samebits.options import read_cases, read_seeds
from samebits.reports.presenters import html, junit, markdown, terminal

METRIC = {"dice": "dice ([0-9.]+|nan)"}


def trainings(groups):
    return [
        TrainingRun(seed=seed, trial=place + 1, metrics={"dice": value})
        for seed, values in groups.items()
        for place, value in enumerate(values)
    ]


def found(groups, **given):
    mine = trainings(groups)
    return NoiseResult(
        samebits="0", created="", sentence="dice 2.5", command=["python", "<b>.py"], trials=3, trainings=mine,
        setup=Setup(command=[], python=None), seeds=[seed for seed in groups if seed is not None],
        models=[1 for _ in groups], metrics=[metric_noise(mine, "dice")], **given,
    )  # fmt: skip


def asked(tmp_path, *command, seeds=(), controls=(), metrics=METRIC):
    options = Options(metrics=metrics)
    request = Request(command=list(command), directory=tmp_path, options=options, controls=list(controls))
    return NoiseRequest(request, seeds)


def refused(given):
    with pytest.raises(UsageError) as raised:
        noise(given, None)
    return raised.value


def test_seeds_that_reach_nothing_are_refused(tmp_path):
    why = refused(asked(tmp_path, "python", "train.py", seeds=[1, 2]))
    assert "passes the seeds to the program" in why.message
    assert "{seed}" in why.advice


def test_seeds_that_only_reach_a_control_that_takes_none_are_refused(tmp_path):
    assert "passes the seeds to the program" in refused(asked(tmp_path, "x", seeds=[1], controls=["threads"])).message


STUDY = Path(__file__).resolve().parents[2] / "docs" / "study" / "lenet5-paper"


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ("keras-tf1.14-threads", "floor 9.57 (standard deviation of trainings with the same seed). "),
        ("pytorch", "Trainings with the same seed repeat bit for bit, so the floor is zero."),
    ],
)
def test_the_noise_of_a_study_is_read_from_its_records(setup, said, capsys, tmp_path, fits_schema):
    target = tmp_path / "noise.json"
    assert cli.main(["noise", "--json", str(target), f"{STUDY}:{setup}"]) == 0
    assert said in capsys.readouterr().out
    fits_schema("noise", target.read_text())
    assert json.loads(target.read_text())["trials"] == 7


def test_the_noise_of_a_table_has_all_three_layers(capsys, tmp_path):
    lines = [f"{seed},{trial},{case},{seed + trial / 10 + case / 100}\n"
             for seed in (1, 2) for trial in (1, 2) for case in (1, 2)]  # fmt: skip
    (tmp_path / "t.csv").write_text("seed,trial,case,dice\n" + "".join(lines))
    assert cli.main(["noise", str(tmp_path / "t.csv")]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:2] == ["dice", "4"])
    assert row.split()[-3:] == ["0.0707", "0.705", "0.005"]


def test_a_table_of_several_machines_says_so_and_names_no_option_that_it_cannot_take(capsys, tmp_path):
    (tmp_path / "runs.csv").write_text("trial,dice,machine\n1,0.5,AMD\n2,0.6,Intel\n3,0.7,Intel\n")
    assert cli.main(["noise", str(tmp_path / "runs.csv")]) == 0
    said = capsys.readouterr().out
    assert "the trainings ran on 2 machines (AMD; Intel): these may cause a part of the spread" in said
    assert "--seeds" not in said


def test_no_metric_is_refused(tmp_path):
    assert "no metric" in refused(asked(tmp_path, "python", "train.py", metrics={})).message
    assert not (tmp_path / ".samebits").exists()


def test_a_record_in_the_place_of_a_command_is_refused(tmp_path, capsys):
    (tmp_path / ".samebits-record").write_text("This folder is a record of samebits\n")
    assert cli.main(["noise", "--metric", "a=(b)", str(tmp_path)]) == 2
    assert "that noise cannot measure" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["dice", "dice=image", "dice=image (.)", "=(.)(.)", "dice=(.", "dice=(.)(.)(.)"])
def test_cases_are_a_regex_with_two_groups(text):
    with pytest.raises(ValueError, match=r"two groups|cannot be read"):
        read_cases(text)
    assert read_cases(r"dice=(\w): (\d)") == ("dice", r"(\w): (\d)")


def test_seeds_are_whole_numbers():
    assert read_seeds("1, 2,30") == [1, 2, 30]
    with pytest.raises(ValueError, match="whole number"):
        read_seeds("1,a")


def test_a_case_has_its_last_number():
    printed = "image 1: 0.5\nimage 2: nan\nimage 1: 0.7\nimage 3: 1..2\n"
    found = readings.case_values(r"image (\d): ([0-9.]+|nan)", printed)
    assert found["1"] == 0.7
    assert math.isnan(found["2"])
    assert math.isnan(found["3"])
    assert readings.case_values(r"image (\d)( [0-9.]+)?", "image 1")["1"] != 0


def test_one_seed_and_no_cases_are_said():
    one = metric_noise(trainings({None: [1.0, 2.0]}), "dice")
    assert (one.other_seeds, one.other_cases) == (None, None)
    assert one.why["other_seeds"].startswith("there is only one seed")
    assert "test case" in one.why["other_cases"]


def test_the_cases_are_a_layer_of_their_own():
    cases = {"dice": {"a": 1.0, "b": 3.0}}
    mine = [
        TrainingRun(trial=1, metrics={"dice": 2.0}, cases=cases),
        TrainingRun(trial=2, metrics={"dice": 2.0}, cases=cases),
    ]
    assert metric_noise(mine, "dice").other_cases == pytest.approx(1.0)  # sqrt(2) / sqrt(2)
    assert metric_noise(mine, "dice").same_seed == 0


# -- what trials left -----------------------------------------------------------------------------------------------


class FakeRecord:
    def __init__(self, folder, files):
        self.folder = folder
        self.trials = [type("Trial", (), {"id": file.id, "file": file}) for file in files]


def trial_file(number, printed=None, status="complete"):
    texts = {} if printed is None else {"dice": printed}
    values = {name: float(text) for name, text in texts.items() if text != "nan"}
    return TrialFile(id=number, status=status, started="", seconds=1, metrics=values, metrics_printed=texts)


def left(tmp_path, number, printed):
    folder = tmp_path / "trials" / f"00{number}"
    folder.mkdir(parents=True)
    (folder / "stdout.txt").write_text(printed)
    return trial_file(number)


def test_cases_without_a_finite_number_and_trainings_with_fewer_cases_are_said(tmp_path):
    files = [left(tmp_path, 1, "image 1: 0.5\nimage 2: 0.7\n"), left(tmp_path, 2, "image 1: 0.5\nimage 2: nan\n")]
    taken = read(tmp_path, [*files, left(tmp_path, 3, "")], metrics={}, cases={"dice": r"image (\d): (\S+)"})
    taken.check_cases()
    assert [one.metrics["dice"] for one in taken.trainings] == [pytest.approx(0.6), 0.5]
    assert taken.warnings == [
        "left out: seed 0, trial 2: dice: the value of case 2 is not a finite number",
        f"left out: seed 0, trial 3: dice: its pattern matched no test case in {tmp_path}/trials/003/stdout.txt",
        "dice: the trainings were not tested on the same cases: 1 of up to 2 is common",
    ]


def read(tmp_path, *seeds, verdict="repeated", groups=None, final="0" * 32, metrics=METRIC, cases=None):
    taken = readings.Readings(metrics, cases or {})
    for seed, files in enumerate(seeds):
        judged = Result(
            samebits="0", verdict=verdict, sentence="", precision="bitwise", setup=Setup(command=[], python=None),
            scope=Scope(kind="whole", steps_compared=1, steps_total=1), groups=groups or [[f.id for f in files]],
            trials=[Trial(id=f.id, status=f.status, exit_code=0, steps=1, seconds=1, final=final) for f in files],
            detection={"seen_if_in_half_of_runs": 0.5, "seen_if_in_one_of_ten": 0.5},
        )  # fmt: skip
        taken.add(seed, FakeRecord(tmp_path, files), judged)
    return taken


def sentence_of(taken):
    return readings.sentence([metric_noise(taken.trainings, "dice")], taken.models(), repeats=taken.repeats())


def test_a_metric_that_is_not_printed_or_not_a_number_is_left_out_and_said(tmp_path):
    taken = read(tmp_path, [trial_file(1, "nan"), trial_file(2), trial_file(3, "0.5"), trial_file(4, status="failed")])
    assert [one.metrics for one in taken.trainings] == [{"dice": 0.5}]
    said = "\n".join(taken.warnings)
    assert "trial 1: dice: it printed nan" in said
    assert re.search("trial 2: dice: its pattern matched nothing in .*trials/002/stdout.txt", said)
    assert "trial 4: failed" in said


def test_a_metric_that_no_trial_prints_is_no_answer(tmp_path):
    taken = read(tmp_path, [trial_file(1), trial_file(2)])
    assert taken.trainings == []
    assert taken.why_nothing().startswith("no training gave a number (seed 0, trial 1: dice: its pattern")


def test_trainings_that_repeat_have_a_floor_of_zero_and_it_is_said(tmp_path):
    taken = read(tmp_path, [trial_file(1, "0.5"), trial_file(2, "0.5")], [trial_file(1, "0.6"), trial_file(2, "0.6")])
    said = sentence_of(taken)
    assert "repeat bit for bit, so the floor is zero: only the seed matters" in said
    assert taken.repeats() is True


def test_a_generator_that_is_unseeded_is_named_because_its_spread_is_in_the_floor(tmp_path):
    taken = read(tmp_path, [trial_file(1, "0.5"), trial_file(2, "0.6")], verdict="diverged", groups=[[1], [2]])
    taken.results[0] = taken.results[0].model_copy(update={"unseeded": {"torch": ""}})
    taken.check_seeds()
    assert taken.warnings == ["torch's CPU RNG is unseeded: the floor contains what different seeds add"]


def test_equal_numbers_of_different_models_are_not_called_repeated(tmp_path):
    files = [trial_file(1, "0.5"), trial_file(2, "0.5")]
    taken = read(tmp_path, files, verdict="diverged", groups=[[1], [2]])
    assert taken.models() == [2]
    said = sentence_of(taken)
    assert "bit for bit" not in said
    assert "print equal numbers" in said


def test_models_that_were_not_seen_are_not_counted(tmp_path):
    assert read(tmp_path, [trial_file(1, "0.5"), trial_file(2, "0.5")], final=None).models() == [None]


def test_seven_equal_trials_of_a_program_without_a_model_have_a_floor_of_zero(tmp_path):
    taken = read(tmp_path, [trial_file(number, "0.802") for number in range(1, 8)], final=None)
    assert sentence_of(taken) == (
        "dice: mean 0.802, noise floor 0 (standard deviation of trainings with the same seed). Trainings with the same "
        "seed print equal numbers."
    )


@pytest.mark.parametrize(("models", "said"), [([None, None], "not known"), ([2, None], "2, not known")])
def test_models_that_are_not_known_are_said_once(models, said):
    shown = found({1: [1.0, 2.0], 2: [2.0, 3.0]}).model_copy(update={"models": models})
    assert f" models   {said}\n" in terminal.render(report(shown))


def test_seeds_that_change_nothing_are_said(tmp_path):
    taken = read(tmp_path, [trial_file(1, "0.5")], [trial_file(1, "0.5")])
    taken.check_seeds()
    assert "may not reach the program" in taken.warnings[-1]


# -- what is shown --------------------------------------------------------------------------------------------------


def test_the_dots_stand_at_their_places():
    rows = figure.rows_of({1: [0.0, 0.0, 1.0], 2: [0.5]})
    lines = figure.dots(rows, (0.0, 1.0)).splitlines()
    assert lines[0] == "seed 1 |2" + "=" * 46 + "o|"
    assert lines[1].count("o") == 1
    assert lines[2].split() == ["0", "1"]


def test_equal_values_are_drawn_too():
    assert "7" in figure.dots(figure.rows_of({None: [6.54] * 7}), (6.54, 6.54))
    assert figure.drawing(figure.rows_of({None: [0.0] * 7}), None).startswith("data:image/svg+xml;base64,")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_the_axis_has_a_few_round_numbers_and_none_is_cut_off(low, wide):
    axis = figure.Axis(low, low + wide, 60.0)
    assert 2 <= len(axis.ticks) <= 7
    assert all(axis.low - wide * 1e-6 <= tick <= axis.high + wide * 1e-6 for tick in axis.ticks)
    svg = base64.b64decode(figure.drawing([figure.DotRow("a", [low, low + wide])], None).partition(",")[2]).decode()
    numbers = re.findall(r'<text x="([0-9.]+)" y="[0-9.]+" text-anchor="middle">([^<]+)<', svg)
    assert len({number for _, number in numbers}) == len(numbers) >= 2
    assert all(float(place) + figure.CHARACTER * len(number) / 2 <= figure.WIDE for place, number in numbers)


def test_every_format_shows_the_layers_and_escapes_the_command():
    shown = report(found({1: [1.0, 2.0, 3.0], 2: [2.0, 3.0, 4.0]}))
    for text in (terminal.render(shown), markdown.render(shown), html.render(shown)):
        assert "same seed" in text
        assert "0.408" in text
    assert "<b>.py" not in html.render(shown)
    equal = report(found({1: [1.0, 1.0, 1.0], 2: [2.0, 2.0, 2.0]}))  # a band without width is not shown
    assert ["the band is" in html.render(one) for one in (shown, equal)] == [True, False]
    assert json.loads(shown.document.model_dump_json())["metrics"][0]["same_seed"] == pytest.approx(1.0)


def test_junit_has_each_layer_as_a_property_and_the_document_fits_its_schema(fits_schema):
    shown = report(found({1: [1.0, 2.0, 3.0], 2: [2.0, 3.0, 4.0]}))
    assert '<property name="dice.same_seed" value="1" />' in junit.render(shown)
    assert 'errors="0"' in junit.render(shown)
    fits_schema("noise", shown.document.model_dump_json())


def test_no_answer_is_shown_as_such():
    empty = NoiseResult(
        samebits="0", created="", verdict="inconclusive", sentence="No training gave a number.", reason="no", trials=2,
        command=["x"], setup=Setup(command=[], python=None), warnings=["left out: trial 1: it failed"],
    )  # fmt: skip
    assert 'errors="1"' in junit.render(report(empty))
    text = terminal.render(report(empty))
    assert text.startswith("?  NO ANSWER: No training gave a number.")
    assert "left out: trial 1" in text
