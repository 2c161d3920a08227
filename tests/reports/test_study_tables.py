"""The tables of a study, from documents made by hand: which there are, whose numbers they hold, what they refuse."""

import statistics

import pytest

from samebits.model import HeldControl
from samebits.reports.table import MissingValue, Number, Spread, measured, shown
from samebits_study import output, reports
from samebits_study.reports import costs, figures, measures, paper_tables, phrases
from samebits_study.results import Baseline, Initial


@pytest.fixture
def lenet5(documents):
    return documents.lenet5()


@pytest.fixture
def unet(documents):
    return documents.unet()


def tables(result):
    return {table.id: table for table in output.every_table(result)}


def rows(table, setup):
    """The rows of a setup: head -> text."""
    return [
        {column.head: shown(cell) for column, cell in zip(table.columns, row, strict=True)}
        for row in table.rows
        if setup in row
    ]


def test_a_study_of_digits_has_tables_1_6_7_and_one_of_cells_has_1_to_5(lenet5, unet):
    assert [name for name in tables(lenet5) if name.isdigit()] == ["1", "6", "7"]
    assert [name for name in tables(unet) if name.isdigit()] == ["1", "2", "3", "4", "5"]


def test_table_7_has_the_papers_rows_beside_ours_and_keeps_those_that_we_did_not_run(lenet5):
    found = rows(tables(lenet5)["7"], "keras-tf1.14")
    assert found[0] == {
        "Setup": "keras-tf1.14", "Model": "1", "Accuracy (%), paper": "98.94", "Accuracy (%), ours": "98.87",
        "FN + FP, paper": "106", "FN + FP, ours": "113", "Bits": "A",
    }  # fmt: skip
    assert [row["Bits"] for row in found] == ["A", "A", "B", "", "", "", "", "", "2 models"]
    assert found[6]["Accuracy (%), paper"] == "98.97"
    assert found[6]["Accuracy (%), ours"] == "not run"


def test_means_and_deviations_are_those_of_a_calculation_by_hand(lenet5):
    """98.87, 98.87, 98.73: mean 98.8233; squares of the differences 0.00218, 0.00218, 0.00871, half of their sum 0.00653,
    whose root is 0.0808."""
    mean = rows(tables(lenet5)["7"], "keras-tf1.14")[-1]
    assert mean["Model"] == "mean"
    assert mean["Accuracy (%), ours"] == "98.82 ± 0.081"
    assert mean["FN + FP, ours"] == "117.7 ± 8.08"
    assert mean["Accuracy (%), paper"] == "98.99 ± 0.044"
    assert mean["FN + FP, paper"] == ""


def test_beside_our_mean_stands_what_the_paper_prints_and_what_is_computed_of_its_rows_has_a_row_of_its_own(documents):
    digits = rows(tables(documents.lenet5())["7"], "keras-tf1.14")[-2]
    assert digits["Model"] == "mean of the paper's rows"
    assert (digits["Accuracy (%), paper"], digits["FN + FP, paper"]) == ("98.99 ± 0.045", "100.9 ± 4.45")
    assert digits["Accuracy (%), ours"] == ""
    computed, printed = rows(tables(documents.unet())["3"], "keras-tf1.14")[-2:]
    assert (computed["Error rate (%), paper"], printed["Error rate (%), paper"]) == ("7.15 ± 0.797", "7.15 ± 0.737")
    assert (computed["Dice, paper"] != "", printed["Dice, paper"]) == (True, "")
    pytorch = rows(tables(documents.unet())["5"], "pytorch-1.3")[-1]
    assert pytorch["Error rate (%), paper"] == "", "no sentence of the paper has it"


def test_what_the_paper_has_stays_where_its_setup_was_not_run(documents):
    found = tables(documents.lenet5())
    seventh = rows(found["7"], "keras-tf2.1")
    assert [row["Accuracy (%), paper"] for row in seventh] == ["99.01"] * 7 + ["99.01 ± 0"] * 2
    assert {row["Accuracy (%), ours"] for row in seventh} == {"not run", ""}
    (time,) = rows(found["6"], "keras-tf2.1")
    assert (time["Trials"], time["Training (s), paper"], time["Training (s), ours"]) == (
        "not run", "127.54 ± 1.99", "not run",
    )  # fmt: skip
    nothing = tables(documents.study("unet", []))
    assert [len(nothing[name].rows) for name in ("2", "3", "4", "5")] == [3, 9, 9, 9]
    assert not any(note.startswith("Bits:") or "Trials are numbered" in note for note in nothing["3"].notes)


def test_a_control_that_nothing_reads_took_no_effect_and_one_that_was_read_later_is_not_called_early(documents):
    idle = HeldControl(
        id="cudnn-deterministic", took_effect=True, detail="this PyTorch is built without CUDA: nothing reads it"
    )
    early = HeldControl(id="session-threads", took_effect=True, detail="no step has run yet")
    one = documents.setup("pytorch", [documents.model(1, "a", documents.digits(5))], controls=[idle, early])
    found = rows(tables(documents.study("lenet5", [one]))["controls"], "pytorch")
    assert [(row["Took effect"], row["How that was seen"]) for row in found] == [("no", idle.detail), ("yes", "")]
    models = [documents.model(1, "a", documents.digits(5))]
    pair = [documents.setup("pytorch-1.3", models, controls=[idle]), documents.setup("pytorch-1.3-inverted", models)]
    assert any(
        "cudnn-deterministic took no effect" in note for note in costs.flags(documents.study("lenet5", pair)).notes
    )


def test_why_no_equation_fits_initial_weights_is_told(documents):
    given = {"name": "w", "shape": [3, 3], "equation_1": 1.0, "equation_2": 1.4, "equation": None}
    kernels = [Initial(largest=0.9, **given), Initial(largest=1.5, **given)]
    one = documents.setup("pytorch", [documents.model(1, "a", documents.digits(5))], initial=kernels)
    within, beyond = rows(tables(documents.study("lenet5", [one]))["initial"], "pytorch")
    assert within["Drawn from"].startswith("not known: all weights lie within the limit of Equation 1")
    assert beyond["Drawn from"] == "neither: a weight lies beyond both limits"


def test_one_trial_has_a_mean_and_no_deviation():
    assert shown(measures.spread([2.5], (2, 2))) == "2.50"
    assert measures.spread([], (2, 2)) == MissingValue("no trial")


def test_undefined_measures_are_said_with_their_reason_and_left_out_of_the_mean(unet):
    table = tables(unet)["3"]
    found = rows(table, "keras-tf1.14")
    assert found[2]["Precision, ours"] == "undefined: no cell in the prediction"
    assert found[-1]["Precision, ours"] == "0.720 ± 0"
    assert "keras-tf1.14: the mean of Precision leaves out 1 undefined value (trial 3)." in table.notes


def test_a_measure_that_is_undefined_in_every_trial_has_an_undefined_mean(documents):
    nothing = documents.cells(None, undefined={"error_rate": "no cell in the ground truth"})
    result = documents.study("unet", [documents.setup("keras-tf1.14", [documents.model(1, "a", nothing)])])
    found = rows(tables(result)["3"], "keras-tf1.14")
    assert found[0]["Error rate (%), ours"] == "undefined: no cell in the ground truth"
    assert found[-1]["Error rate (%), ours"] == "undefined: in every trial"


def test_a_number_that_is_not_finite_never_enters_a_table():
    assert measured(float("nan"), 2) == MissingValue("undefined", "it is nan")
    with pytest.raises(ValueError, match="finite"):
        Number(float("inf"))


def test_models_of_one_table_go_where_their_library_belongs(unet):
    assert {row[0] for row in tables(unet)["3"].rows} == {"keras-tf1.14"}
    assert {row[0] for row in tables(unet)["4"].rows} == {"keras-tf2.1"}
    assert {row[0] for row in tables(unet)["5"].rows} == {"pytorch-1.3", "pytorch-1.3-glorot"}


def elsewhere(documents, result, setup):
    """The study with one setup's trials on another machine."""
    moved = [
        one.model_copy(
            update={"models": [model.model_copy(update={"machine": "another machine"}) for model in one.models]}
        )
        if one.id == setup
        else one
        for one in result.setups
    ]
    return result.model_copy(update={"setups": moved})


def test_times_of_different_machines_are_refused_with_the_reason(documents, lenet5):
    table = tables(elsewhere(documents, lenet5, "pytorch-1.3"))["6"]
    assert {row["Training (s), ours"] for row in rows(table, "keras-tf1.14")} == {"not shown"}
    assert rows(table, "keras-tf1.14")[0]["Training (s), paper"] == "144.53 ± 4.79"
    assert "2 different machines" in table.notes[0]
    assert "another machine: pytorch-1.3" in table.notes[0]


def test_costs_across_machines_are_refused_too(documents, lenet5):
    moved = elsewhere(documents, lenet5, "keras-tf1.14")
    assert rows(costs.flags(moved), "keras-tf1.14")[0]["Ratio, ours"] == "not shown"
    assert rows(costs.watching(moved), "keras-tf1.14")[0]["Ratio, ours"] == "not shown"
    assert any("keras-tf1.14, not watched" in note for note in costs.watching(moved).notes)


def test_what_flags_cost_is_the_ratio_of_the_means_and_says_what_took_no_effect(lenet5):
    (found,) = rows(costs.flags(lenet5), "keras-tf1.14")
    assert found["Ratio, ours"] == f"{102.74 / 49.0:.3f}"
    assert any("session-threads took no effect (Keras ran nothing in it)" in note for note in costs.flags(lenet5).notes)


@pytest.mark.parametrize(
    ("table", "setup", "cells"),
    [
        ("6", "keras-tf1.14", {"Training (s), ours": "102.74 ± 1.37", "Training (s), paper": "144.53 ± 4.79"}),
        ("watching", "keras-tf1.14", {"Ratio, ours": f"{102.74 / 91.7:.3f}", "Same weights": "yes"}),
        ("models", "keras-tf1.14", {"Different models, ours": "2", "Groups": "A: 1,2; B: 3", "Different rows, paper": "6",
                                    "Repeats, paper": "no (section VIII.B)", "Repeats, ours": "no"}),
        ("divergences", "keras-tf1.14", {"Step": "41", "Kind": "update", "Name": "conv2d_1/kernel", "Trials that diverge": "3"}),
        ("distances", "keras-tf1.14", {"epoch 0": "0", "epoch 1": "1.25e-07", "epoch 2": "0.0325"}),
        ("missing", "keras-tf2.1", {"Trials": "not run"}),
    ],
)  # fmt: skip
def test_a_table_with_a_line_for_a_setup_holds_its_numbers(lenet5, table, setup, cells):
    (found,) = rows(costs.watching(lenet5) if table == "watching" else tables(lenet5)[table], setup)
    assert cells.items() <= found.items()


def test_what_could_not_be_run_or_took_no_effect_says_why(lenet5):
    found = tables(lenet5)
    retests, effects = rows(found["retests"], "keras-tf1.14"), rows(found["controls"], "keras-tf1.14")
    assert [row["Same bits"] for row in retests] == ["yes", "no", "not run"]
    assert retests[2]["Why not"] == "it could not be started"
    assert [row["Took effect"] for row in effects] == ["yes", "no", "not known"]
    assert "samebits env create keras-tf2.1" in rows(found["missing"], "keras-tf2.1")[0]["Why"]


def test_a_deviation_of_zero_is_0_and_a_small_one_is_not(lenet5):
    assert rows(tables(lenet5)["7"], "pytorch-1.3")[-1]["Accuracy (%), ours"] == "98.61 ± 0"
    assert shown(Spread(1.0, 0.0004, (2, 2))) == "1.00 ± 0.0004"


def test_each_different_confusion_matrix_is_shown_once(lenet5):
    found = rows(tables(lenet5)["confusion"], "keras-tf1.14")
    assert len(found) == 20
    assert {row["Trials"] for row in found} == {"1,2", "3"}
    sevens = [row for row in found if row["True class"] == "7"]
    assert [(row["1"], row["7"]) for row in sevens] == [("113", "887"), ("127", "873")]
    assert [row["7"] for row in rows(tables(lenet5)["classes"], "keras-tf1.14")] == ["887", "873"]


def test_times_of_a_busy_machine_are_refused(lenet5):
    busy = lenet5.model_copy(update={"busy": True})
    for table, column in (
        (paper_tables.times(busy, "6"), "Training (s), ours"),
        (costs.flags(busy), "Ratio, ours"),
        (costs.watching(busy), "Ratio, ours"),
    ):
        assert rows(table, "keras-tf1.14")[0][column] == "not shown"
        assert table.notes.count("Times are not shown: the machine did other work at the same time.") == 1
        assert not any("shows what that costs" in note for note in table.notes)


def test_no_folder_of_the_machine_is_in_a_table(lenet5):
    everything = [shown(cell) for table in tables(lenet5).values() for row in table.rows for cell in row]
    assert "python train.py --data data.npz" in everything
    assert not any("/home/" in text for text in everything)


def test_a_study_of_which_nothing_could_be_run_still_has_its_tables(documents, lenet5):
    skipped = lenet5.model_copy(update={"setups": [lenet5.setups[-1]]})
    found = tables(skipped)
    assert {row[0] for row in found["7"].rows} == {"keras-tf1.14", "keras-tf2.1", "pytorch-1.3"}
    assert [row[0] for row in found["missing"].rows] == ["keras-tf2.1"]


def test_a_study_that_the_paper_does_not_have_has_no_columns_of_the_paper(lenet5):
    other = lenet5.model_copy(update={"study": "perceptron"})
    found = {table.id: table for table in output.every_table(other)}
    assert "paper" not in {column.of for table in found.values() for column in table.columns}
    assert not any(table.of_the_paper for table in found.values())
    assert [row["Accuracy (%), ours"] for row in rows(found["accuracy"], "keras-tf1.14")] == [
        "98.87", "98.87", "98.73", "98.82 ± 0.081",
    ]  # fmt: skip
    said = [note for name in ("times", "accuracy", "models", "retests") for note in found[name].notes]
    assert said
    assert not any("paper" in note for note in said)
    assert "paper" not in figures.box_plots(other)[-1].caption
    assert "paper" in figures.box_plots(lenet5)[-1].caption


@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_every_number_of_ours_comes_from_the_document(documents, name):
    """Each is a number of its setup's part of the document, or mean, deviation, count or ratio of such."""
    result = getattr(documents, name)()
    known = {setup.id: numbers_of(setup) for setup in result.setups}
    checked = 0
    for table in tables(result).values():
        for row in table.rows:
            ids = [cell for cell in row if cell in known]
            for column, cell in zip(table.columns, row, strict=True):
                if column.of != "ours" or not isinstance(cell, Number | Spread):
                    continue
                checked += 1
                allowed = {value for identity in ids for value in known[identity]}
                assert all(near(value, allowed) or ratio(value, allowed) for value in values_of(cell)), (table.id, row)
    assert checked > 30


def values_of(cell):
    if isinstance(cell, Number):
        return [cell.value]
    return [cell.mean, *([] if cell.deviation is None else [cell.deviation])]


def near(value, allowed):
    return any(abs(float(value) - number) <= 1e-9 * max(1.0, abs(number)) for number in allowed)


def ratio(value, allowed):
    return any(b and abs(value - a / b) < 1e-12 for a in allowed for b in allowed)


def numbers_of(setup):
    """What is known of a setup: its numbers, and counts, means and sample deviations of what its models have."""
    models = setup.models
    columns = [[m.train_seconds for m in models], [m.test_seconds for m in models]]
    columns += [[v for m in models if (v := one.read(m)[0]) is not None] for one in (*measures.DIGITS, *measures.CELLS)]
    found = {len(models), len(setup.groups), len({m.predictions for m in models})}
    found |= {value for column in columns for value in column}
    found |= {statistics.fmean(column) for column in columns if column}
    found |= {statistics.stdev(column) for column in columns if len(column) > 1}
    found |= {r.largest for r in setup.retests if r.largest is not None}
    found |= {value for one in setup.distances for value in one.relative}
    return found | ({setup.plain.train_seconds} if setup.plain else set())


@pytest.mark.parametrize(("watershed", "said"), [(None, "were split"), (True, "were split"), (False, "are one cell")])
def test_whether_touching_cells_were_split_is_said_with_the_counts(documents, watershed, said):
    result = documents.unet().model_copy(update={"watershed": watershed})
    for number in "345":
        assert said in " ".join(paper_tables.cells(result, number).notes)


def test_a_setup_has_the_trials_that_were_asked_for_of_it(documents):
    models = [documents.model(trial, "a", documents.digits(5)) for trial in (1, 2, 3)]
    two, three = documents.setup("pytorch", models[:2], trials=2), documents.setup("keras3-jax", models, trials=4)
    result = documents.study("lenet5", [two, three], trials=4)
    assert [phrases.trials(setup, result) for setup in result.setups] == ["2 trials", "3 of 4 trials"]
    assert "2 setups with 2 to 3 trials each, " in reports.says(result)[0]


def test_predictions_that_are_not_numbers_are_said_beside_the_confusion_matrices(lenet5):
    first = lenet5.setups[0]
    judged = first.models[0].digits
    nan = first.models[0].model_copy(update={"digits": judged.model_copy(update={"undecided": 3})})
    changed = first.model_copy(update={"models": [nan]})
    found = tables(lenet5.model_copy(update={"setups": [changed, *lenet5.setups[1:]]}))
    for name in ("classes", "confusion"):
        said = f"{first.id}, trial 1: 3 predictions with NaN: no class, so they count as wrong."
        assert said in found[name].notes
        assert not any("NaN" in note for note in tables(lenet5)[name].notes)


def test_masks_that_no_training_made_have_rows_among_the_models(documents, unet):
    nothing = documents.cells(100.0, precision=None, undefined={"precision": "no cell in the prediction"})
    made = [
        Baseline(name="the true mask", about="how", cells=documents.cells(1.25, fields=3)),
        Baseline(name="one grey level", about="a level", cells=nothing.model_copy(update={"fields": 3})),
    ]
    found = tables(unet.model_copy(update={"baselines": made}))
    for number in ("3", "4", "5"):
        (true,), methods = rows(found[number], "the true mask"), rows(found[number], "one grey level")
        assert true["Error rate (%), ours"] == "1.25"
        assert len(methods) == (number == "3")  # the true mask stands in each table
    assert rows(found["3"], "one grey level")[0]["Precision, ours"] == "undefined: no cell in the prediction"
    assert "One grey level: a level." in found["3"].notes
    assert [row[0] for row in found["dice"].rows] == ["the true mask", "one grey level"]
