"""Every report of a record shows the same duration, in the same form."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.kept_record import judged
from samebits.model import Result, Round
from samebits.reports.presenters import html, json_, junit, terminal
from samebits.reports.result_report import report
from samebits.store import open_record, seal_record


@pytest.fixture(scope="module")
def timed(write_record, tmp_path_factory):
    """Function(groups, seconds of its rounds) -> (result, report) of a record."""

    def make(groups, seconds):
        folder = write_record(tmp_path_factory.mktemp("timed") / "run", groups, 3, {"B": 1})
        path = folder / "record.json"
        rounds = [Round(steps=None, trials=[1], seconds=one).model_dump() for one in seconds]
        path.write_text(json.dumps({**json.loads(path.read_text()), "rounds": rounds}))
        seal_record(folder)
        record = open_record(folder)
        result = judged(record)
        return result, report(result, record)

    return make


def test_all_formats_show_the_same_duration(timed):
    result, shown = timed("AAA", [40.0, 12.25])
    assert result.seconds == 52.25
    assert "3 steps  52 s   model" in terminal.render(shown)
    assert "It took 52 s." in html.render(shown)
    assert json.loads(json_.render(shown))["seconds"] == 52.25
    assert {one.get("time") for one in ElementTree.fromstring(junit.render(shown)).iter("testsuite")} == {"52.250"}


def test_a_record_that_does_not_know_its_duration_shows_none(timed):
    result, shown = timed("AAA", [])
    assert result.seconds == 0.0
    assert "3 steps   model" in terminal.render(shown)


@given(seconds=st.lists(st.floats(0.01, 1e5), min_size=1, max_size=4), left=st.floats(0.0, 1e5))
def test_a_result_that_a_command_left_does_not_change_the_duration(judged_once, seconds, left):
    record, result = judged_once
    rounds = [Round(steps=None, trials=[1], seconds=one) for one in seconds]
    (record.folder / "result.json").write_text(result.model_copy(update={"seconds": left}).model_dump_json())
    again = judged(type(record)(record.folder, record.file.model_copy(update={"rounds": rounds})))
    assert again.seconds == sum(seconds)


@pytest.fixture(scope="module")
def judged_once(judged) -> "tuple[object, Result]":
    """A record that repeats, and its result."""
    result, record = judged("AA", 2)
    return record, result
