"""The paper's own numbers: do its sentences agree with its rows, and its columns with each other?"""

import statistics
from decimal import Decimal

import pytest

from samebits_study.reports import paper

EVERY = [(study, column) for study, columns in paper.STUDIES.items() for column in columns]
MEASURE = {"lenet5": "accuracy", "unet": "error_rate"}


def values(study, column, measure):
    return [row[measure] for row in paper.STUDIES[study][column].rows]


@pytest.mark.parametrize(("study", "column"), EVERY)
def test_every_column_has_seven_models_and_two_times(study, column):
    quoted = paper.STUDIES[study][column]
    assert len(quoted.rows) == paper.TRIALS
    assert quoted.training.mean > quoted.testing.mean > 0


@pytest.mark.parametrize("column", paper.LENET5)
def test_fn_plus_fp_is_the_number_of_wrong_digits_of_ten_thousand(column):
    """106 wrong digits are 98.94 %: were each counted as a false negative and a false positive, they would be 212."""
    for row in paper.LENET5[column].rows:
        assert 100 - row["wrong"] / 100 == row["accuracy"]


@pytest.mark.parametrize("column", paper.UNET)
def test_f1_follows_from_precision_and_recall(column):
    for row in paper.UNET[column].rows:
        precision, recall = row["precision"], row["recall"]
        # each was rounded to three digits
        assert abs(2 * precision * recall / (precision + recall) - row["f1"]) <= Decimal("0.001")


def test_the_deviation_of_table_3_is_that_of_a_population_and_those_of_tables_4_and_7_of_a_sample():
    found = {
        "Table 3": paper.of_deviation(Decimal("0.737"), values("unet", "tf1.14", "error_rate")),
        "Table 4": paper.of_deviation(Decimal("0.731"), values("unet", "tf2.1", "error_rate")),
        "Table 7": paper.of_deviation(Decimal("0.044"), values("lenet5", "tf1.14", "accuracy")),
    }
    assert found == {"Table 3": "population, rounded", "Table 4": "sample, truncated", "Table 7": "sample, truncated"}


def test_the_mean_of_table_4_is_truncated_and_those_of_tables_3_and_7_are_rounded():
    means = {}
    for study, column in EVERY:
        quoted = paper.STUDIES[study][column]
        if quoted.text:
            mean = statistics.mean(values(study, column, MEASURE[study]))
            means[quoted.place, column] = paper.how(quoted.text.mean, mean)
    assert means[("Table 4", "tf2.1")] == "truncated"
    assert {how for place, how in means.items() if place != ("Table 4", "tf2.1")} == {"rounded"}


def test_where_a_sentence_agrees_with_its_rows_nothing_is_said():
    assert paper.of_itself(paper.LENET5["tf2.1"], "accuracy") == []
    assert paper.of_itself(paper.LENET5["pytorch"], "accuracy") == []
    assert paper.of_itself(paper.UNET["pytorch"], "error_rate") == []


def test_where_it_does_not_both_are_said():
    (said,) = paper.of_itself(paper.UNET["tf1.14"], "error_rate")
    assert "7.15 ± 0.737" in said
    assert "0.7965 (sample) and 0.7374 (population)" in said


def test_all_error_rates_are_those_of_535_cells_cut_off_after_two_digits():
    rates = [rate for column in paper.UNET for rate in values("unet", column, "error_rate")]
    assert paper.true_cells(rates) == [535]
    assert paper.true_cells([Decimal("0.005")]) == []


def test_rows_that_differ_are_counted():
    assert {column: quoted.different for column, quoted in paper.LENET5.items()} == {
        "tf1.14": 6, "tf2.1": 1, "pytorch": 1,
    }  # fmt: skip
    assert {column: quoted.different for column, quoted in paper.UNET.items()} == {
        "tf1.14": 7, "tf2.1": 2, "pytorch": 1,
    }  # fmt: skip


def test_a_setup_or_study_that_the_paper_does_not_have_has_no_quotation():
    assert paper.quotation("lenet5", "pytorch") is None
    assert paper.quotation("another", "keras-tf1.14") is None
    assert paper.quotation("unet", "keras-tf2.1").place == "Table 4"


def test_every_setup_that_answers_to_a_column_is_in_the_catalog():
    from samebits_study.catalog import SETUPS

    assert {*paper.ANSWERS, paper.EQUATION_1} <= set(SETUPS)
