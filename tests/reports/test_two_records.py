"""The report of two records names both, side by side, and says in which facts they differ."""

import xml.etree.ElementTree as ElementTree

import pytest

from samebits.kept_record import judged, judged_pair
from samebits.reports.presenters import html, junit, markdown, terminal
from samebits.reports.result_report import report
from samebits.reports.result_words import headline
from samebits.reports.tree import Section
from samebits.store import open_record


@pytest.fixture
def sides(write_record, tmp_path):
    """Function(first groups, second groups) -> (result, the two as one)."""

    def make(first, second, parted=None):
        write_record(tmp_path / "first", first, 40, parted)
        write_record(tmp_path / "second", second, 40, parted, metrics={"accuracy": 0.5})
        record, result = judged_pair(tmp_path / "first", tmp_path / "second")
        return result, record

    return make


def rows(result, record):
    (section,) = [
        block for block in report(result, record).blocks if isinstance(block, Section) and block.id == "records"
    ]
    _, table = section.blocks
    return {name: (getattr(sign, "text", sign), first, second) for name, sign, first, second in table.rows}


def test_each_fact_has_a_sign_if_the_two_can_agree_in_it(sides):
    found = rows(*sides("AA", "BBB", {"B": 20}))
    assert found["trials"] == ("", "1,2", "3-5")
    assert found["groups"] == ("!=", "A", "B")
    assert found["command"] == ("=", "python train.py --lr 0.1", "python train.py --lr 0.1")
    assert found["steps"] == ("=", "40", "40")
    sign, first, second = found["metric accuracy"]
    assert (sign, second) == ("!=", "0.5 in all")
    assert first.endswith("in all")
    assert found["record"][0] == found["made"][0] == ""


def test_records_with_the_same_bits_have_the_same_group(sides):
    result, record = sides("AA", "A")
    assert result.verdict == "repeated"
    assert rows(result, record)["groups"] == ("=", "A", "A")
    assert "3 trials of the two records, each in fresh processes, gave the same bits" in html.render(
        report(result, record)
    )


def test_page_and_markdown_show_them_and_one_record_alone_has_none(sides, judged):
    made = report(*sides("A", "B", {"B": 20}))
    assert "The two records side by side" in html.render(made)
    assert "### The two records side by side" in markdown.render(made)
    assert "2 trials of the two records gave 2 models" in html.render(made)
    assert "side by side" not in html.render(report(*judged("AB", 40, {"B": 20})))


def levels(result):
    return {level.name: (level.holds, level.says) for level in result.levels}


@pytest.mark.parametrize(
    ("first", "second", "bits", "metrics", "spread"),
    [
        ("AA", "AA", (True, "compared: 40 steps"), True, (True, "accuracy 0.972 and 0.972")),
        ("AA", "BB", (False, "the same through step 19; they diverge at step 20"), False, (False, "accuracy 0.972 and 0.973")),
        ("AB", "BC", (False, "the same through step 19; they diverge at step 20"), False, (True, "accuracy 0.972 to 0.973 and 0.973 to 0.974")),
        ("A", "B", (False, "the same through step 19; they diverge at step 20"), False, (None, "a spread needs at least two trials in each record")),
        ("AB", "BA", (None, "neither record repeats, and both have the same groups of trials"), False, (True, "accuracy 0.972 to 0.973 and 0.972 to 0.973")),
    ],
)  # fmt: skip
def test_each_level_at_which_two_records_are_the_same_is_said(
    write_record, tmp_path, first, second, bits, metrics, spread
):
    for name, groups in (("first", first), ("second", second)):
        write_record(tmp_path / name, groups, 40, {"B": 20, "C": 30})
    record, result = judged_pair(tmp_path / "first", tmp_path / "second")
    found = levels(result)
    assert (found["bits"], found["metrics"][0], found["spread"]) == (bits, metrics, spread)
    assert "metrics, within the spread" in markdown.render(report(result, record))


def test_records_of_which_nothing_was_compared_are_not_said_to_have_the_same_bits(write_record, tmp_path):
    for name in ("first", "second"):
        write_record(tmp_path / name, "A", 0)
    _, result = judged_pair(tmp_path / "first", tmp_path / "second")
    assert (result.verdict, levels(result)["bits"]) == ("inconclusive", (None, "compared: 0 steps"))


def test_equal_bits_across_machines_that_differ_are_said_to_be(write_record, tmp_path):
    for name, cores in (("first", 8), ("second", 64)):
        write_record(tmp_path / name, "A", 40, machine={"cores": cores, "host": name})
    _, result = judged_pair(tmp_path / "first", tmp_path / "second")
    assert (result.verdict, result.across) == ("repeated", ["cores", "host"])
    assert headline(result).endswith("Equal across machines that differ in cores and host.")


@pytest.mark.parametrize(("first", "second", "numbers"), [("AA", "BBB", ("1,2", "3-5")), ("A", "A", ("1", "2"))])
def test_a_terminal_and_junit_say_whose_trials_are_whose(write_record, tmp_path, first, second, numbers):
    write_record(tmp_path / "one", first, 40, {"B": 20})
    write_record(tmp_path / "two", second, 40, {"B": 20})
    record, result = judged_pair(tmp_path / "one", tmp_path / "two")
    shown = report(result, record)
    trials = [f"{'trials' if len(groups) > 1 else 'trial'}" for groups in (first, second)]
    said = [f"{tmp_path / name}: {noun} {ids}" for name, noun, ids in zip(("one", "two"), trials, numbers, strict=True)]
    lines = terminal.render(shown).splitlines()
    assert any(line.split(maxsplit=1) == ["first", said[0]] for line in lines)
    assert any(line.split(maxsplit=1) == ["second", said[1]] for line in lines)
    root = ElementTree.fromstring(junit.render(shown))
    named = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert [named["record.first"], named["record.second"]] == said


def test_one_record_has_no_sides(write_record, tmp_path):
    record = open_record(write_record(tmp_path / "one", "AA", 4))
    assert "first " not in terminal.render(report(judged(record), record))
