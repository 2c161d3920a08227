"""Operator replay without any framework: what is judged from what was found, and how it is said."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from samebits import cli
from samebits.errors import RecordError, UsageError
from samebits.launch.plan import Request
from samebits.model import Size, TrialFile
from samebits.ops import DifferingPlace, Operator, ReplayResult, judge, read, replay
from samebits.ops.documents import DifferingResult, ReplayFindings, collect
from samebits.ops.report import report
from samebits.options import read_step_or_steps
from samebits.reports import presenters
from samebits.reports.presenters.terminal import render

WANT = {"first": 0, "last": 0, "repeats": 4}
TRIAL = TrialFile(id=1, status="stopped", started="2026-01-01T00:00:00+00:00", seconds=1.0)


def operator(name="aten::mm", phase="forward", **counts):
    given = {"seen": 1, "replayed": 1, "replays": 4, "differed": 0, **counts}
    return Operator(operator=name, overload=f"{name}.default", phase=phase, **given)


def differed(**changes):
    size = Size(elements=10, different=3, max_ulp=2, max_relative=1e-7, looks="like rounding")
    fields = {
        "operator": "aten::put", "overload": "aten::put.default", "phase": "backward", "step": 0, "order": 3,
        "node": "TakeBackward0", "file": "train.py", "line": 7, "source": "y = x.take(i)", "inputs": ["float32[10]"],
        "differed": 1, "replays": 4, "replays_differed": 2,
        "results": [DifferingResult(name="result 0", dtype="float32", shape=[10], size=size)],
    }  # fmt: skip
    return DifferingPlace(**{**fields, **changes})


def judged(trial=TRIAL, want=WANT, **found):
    return judge(ReplayFindings(**{"has_torch": True, **found}), trial, ["python", "train.py"], want)


def test_equal_bits_are_said_with_their_counts():
    result = judged(steps=[0], made=1, operators=[operator(replayed=3), operator(phase="backward")])
    assert result.outcome == "same"
    assert result.sentence == "4 calls of 1 operator in step 0, each run again 4 times: the same bits."
    assert render(report(result)).startswith("=  SAME BITS: 4 calls of 1 operator")


def test_where_the_probe_failed_equal_bits_are_no_answer():
    result = judged(steps=[0], made=1, operators=[operator()], failures=["before a backward: ValueError: x"])
    assert result.outcome == "nothing"
    assert "The probe itself failed (before a backward: ValueError: x)" in result.sentence
    failed = judged(steps=[0], made=1, operators=[operator(differed=1)], differed=[differed()], failures=["here: x"])
    assert failed.outcome == "differed"
    assert failed.notes == ["the probe failed at here: x"]


def test_where_an_exception_of_the_program_arrived_the_probe_did_not_fail(tmp_path):
    folder = tmp_path / "processes" / "1"
    folder.mkdir(parents=True)
    event = {"event": "probe-failed", "where": "after a step", "error": "Limit: ", "foreign": True}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    found = collect(tmp_path, tmp_path)
    assert (found.failures, found.interruptions) == ([], ["after a step: Limit: "])
    result = judge(found, TRIAL, ["python", "train.py"], WANT)
    assert result.outcome == "nothing"
    assert result.reason.startswith("An exception from a different thread of the program interrupted the probe")
    assert "time limit" in result.advice
    assert "fault of samebits" not in result.advice
    assert "the probe failed" not in " ".join(result.notes)


def test_a_step_of_one_of_several_optimizers_is_said_to_hold_nothing_else():
    alone = judged(steps=[1], made=2, operators=[operator(phase="optimizer")], want={**WANT, "first": 1, "last": 1})
    assert alone.notes == ["step 1 has no forward and no backward: a step is one call of an optimizer's step"]
    whole = judged(steps=[0], made=1, operators=[operator(), operator(phase="optimizer")])
    assert whole.notes == []


def test_places_stand_in_the_order_in_which_they_ran():
    later, earlier = differed(order=9), differed(operator="aten::mm", order=2)
    result = judged(steps=[0], made=1, operators=[operator(differed=1)], differed=[later, earlier])
    assert [place.operator for place in result.differed] == ["aten::mm", "aten::put"]
    assert result.outcome == "differed"


def test_a_place_is_said_with_its_line_its_node_and_the_size_of_its_difference():
    operators = [operator("aten::put", "backward", differed=1)]
    said = render(report(judged(steps=[0], made=1, operators=operators, differed=[differed()])))
    assert "TakeBackward0, backward of train.py:7  y = x.take(i)" in said
    assert "1 of 1 call differed, in 2 of 4 replays" in said
    assert "result 0 float32[10]: 3 of 10 values, at most 2 ULP; looks like rounding" in said


@pytest.mark.parametrize(("replays", "said"), [(4, "run again 4 times"), (48, "run again at least 4 times")])
def test_calls_with_more_replays_than_asked_for_are_counted(replays, said):
    operators = [operator("aten::put", "backward", replays=replays)]
    assert said in render(report(judged(steps=[0], made=1, operators=operators)))


@pytest.mark.parametrize(
    ("found", "why", "said"),
    [
        ({"made": 3}, "", "Step 0 never began: the program ended after 3 steps."),
        ({"operators": [operator()]}, "", "Step 0 did not end: the program ended after 0 steps."),
        ({"has_torch": False}, "", "No process imported PyTorch"),
        ({"why_not": "operator replay needs PyTorch 2.0"}, "", "Operator replay needs PyTorch 2.0."),
        ({}, "it ended with exit status 1", "the program ended badly (it ended with exit status 1)"),
    ],
)
def test_where_nothing_was_replayed_the_reason_is_said(found, why, said):
    result = judged(TRIAL.model_copy(update={"why": why}), **found)
    assert result.outcome == "nothing"
    assert said in result.reason
    assert result.reason in render(report(result))


def test_a_difference_counts_although_the_step_had_no_end():
    result = judged(operators=[operator(differed=1)], differed=[differed()])
    assert result.outcome == "differed"
    assert "step 0 did not end: the operators until then were replayed" in result.notes


def test_steps_that_never_came_are_noted():
    result = judged(want={"first": 0, "last": 9, "repeats": 4}, steps=[0, 1], made=2, operators=[operator()])
    assert result.notes == ["steps after 1 never began: the program made 2 steps"]


def test_the_largest_of_several_results_is_the_size_of_a_place():
    small = DifferingResult(name="a", dtype="float32", shape=[1], size=Size(elements=1, different=1, max_ulp=1))
    large = DifferingResult(name="b", dtype="float32", shape=[1], size=Size(elements=1, different=1, max_ulp=9))
    assert differed(results=[small, large, DifferingResult(name="c", dtype="int64", shape=[])]).size == large.size
    assert differed(results=[]).size is None


def test_the_document_reads_back():
    result = judged(steps=[0], made=1, operators=[operator()], differed=[differed()])
    assert ReplayResult.model_validate_json(result.model_dump_json()) == result


def test_a_folder_without_a_replay_is_said_to_hold_none(tmp_path):
    with pytest.raises(RecordError, match="no operators were replayed"):
        read(tmp_path)


@pytest.mark.parametrize(("step", "repeats"), [(-1, 4), ((3, 2), 4), (0, 0)])
def test_what_cannot_be_replayed_is_refused_before_anything_runs(tmp_path, step, repeats):
    with pytest.raises(UsageError):
        replay(Request(command=["true"], directory=tmp_path), step, repeats)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "steps"), [("0", (0, 0)), ("3", (3, 3)), ("0-2", (0, 2)), (" 4 - 4 ", (4, 4))])
def test_steps_are_read(text, steps):
    assert read_step_or_steps(text) == steps


@pytest.mark.parametrize("text", ["", "-1", "2-1", "a", "1-", "1.5", "1-2-3"])
def test_what_is_no_step_is_refused(text):
    with pytest.raises(ValueError, match=r"step|begins"):
        read_step_or_steps(text)


FOUND = {
    "same": {"steps": [0], "made": 1, "operators": [operator(replayed=3)]},
    "differed": {
        "steps": [0],
        "made": 1,
        "operators": [operator("aten::put", "backward", differed=1)],
        "differed": [differed()],
    },
    "nothing": {"has_torch": False},
}


@pytest.mark.parametrize("outcome", FOUND)
def test_every_form_of_the_report_has_the_sentence(outcome, fits_schema):
    result = judged(**FOUND[outcome])
    assert result.outcome == outcome
    forms = {name: presenters.render(name, report(result)) for name in ("html", "md", "json")}
    fits_schema("ops", forms["json"])
    assert all(result.sentence in text for text in forms.values())
    said = [text.replace("\\", "") for text in forms.values()]  # Markdown escapes
    assert outcome != "differed" or all("aten::put" in text and "y = x.take(i)" in text for text in said)


@pytest.mark.parametrize(("outcome", "state"), [("same", None), ("differed", "failure"), ("nothing", "error")])
def test_a_replay_is_one_test_of_junit(outcome, state):
    result = judged(**FOUND[outcome])
    (suite,) = ElementTree.fromstring(presenters.render("junit", report(result)))
    (case,) = suite.findall("testcase")
    assert (case.get("classname"), case.get("name")) == ("samebits.ops", "python train.py")
    assert [said.tag for said in case] == ([state] if state else [])
    properties = {one.get("name"): one.get("value") for one in suite.findall("properties/property")}
    assert properties["outcome"] == outcome
    assert properties["operators.differed"] == ("aten::put" if state == "failure" else "")
    assert state != "failure" or "train.py:7" in case[0].text


def test_a_replay_is_written_in_every_form(tmp_path):
    result = judged(**FOUND["differed"])
    (tmp_path / "ops.json").write_text(result.model_dump_json())
    (tmp_path / ".samebits-record").write_text("")
    files = {form: tmp_path / f"page.{form}" for form in ("html", "md", "junit", "json")}
    words = [word for form, path in files.items() for word in (f"--{form}", str(path))]
    assert cli.main(["ops", *words, str(tmp_path)]) == 1
    assert all("aten::put" in path.read_text().replace("\\", "") for path in files.values())
