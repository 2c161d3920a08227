"""The table of Dice both ways names the fields that its mean leaves out."""

from samebits.reports.presenters import markdown
from samebits_study.reports import extra_tables


def test_fields_left_out_of_the_mean_are_named_with_their_trials(documents):
    both = [documents.cells(5.0, fields=3, dice_of_all_pixels=0.7, without_dice=["M9_002"]),
            documents.cells(5.0, fields=3, dice_of_all_pixels=0.9, without_dice=["M9_001", "M9_002"])]  # fmt: skip
    models = [documents.model(trial, "a", worth) for trial, worth in enumerate(both, 1)]
    table = extra_tables.dice(documents.study("unet", [documents.setup("pytorch", models)]))
    (row,) = table.rows
    assert row[3:] == ("3", "M9_002 (in every trial); M9_001 (trial 2)")
    assert "0.800 ± 0.1414" in markdown.table(table)


def test_where_no_field_has_a_dice_that_is_said(documents):
    worth = documents.cells(5.0, fields=1, dice=None, without_dice=["M9_001"])
    result = documents.study("unet", [documents.setup("pytorch", [documents.model(1, "a", worth)])])
    (row,) = extra_tables.dice(result).rows
    assert row[-1] == "M9_001 (in every trial)"
    assert "undefined" in markdown.table(extra_tables.dice(result))


def test_older_documents_have_no_such_table(documents):
    assert "dice" not in {table.id for table in extra_tables.tables(documents.unet())}
