"""A report of two records says whose trials are whose, on a terminal and in JUnit XML too."""

import xml.etree.ElementTree as ElementTree

import pytest

from samebits.kept_record import judged, judged_pair
from samebits.reports.presenters import junit, terminal
from samebits.reports.result_report import report
from samebits.store import open_record


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
