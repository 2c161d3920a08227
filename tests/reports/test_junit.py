"""JUnit XML that continuous integration can read: one test for a check, and every verdict but `repeated` is red.

The shape is that of junit-10.xsd of Jenkins' xUnit plugin (MIT), as a table: which elements and attributes an element
may have, and which it must have.
"""

import re
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import pytest

from samebits.reports.presenters import junit
from samebits.reports.result_report import report
from samebits.reports.tree import Report


class Shape(NamedTuple):
    """The names that junit-10.xsd gives an element. `text`: whether it can hold any."""

    elements: set[str]
    needed: set[str]
    optional: set[str]
    text: bool = False


SAID = Shape(set(), set(), {"type", "message"}, text=True)
JENKINS = {
    "testsuites": Shape({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": Shape(
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
    ),
    "testcase": Shape(
        {"skipped", "error", "failure", "system-out", "system-err"}, {"name"}, {"time", "classname", "group"}
    ),
    "properties": Shape({"property"}, set(), set()),
    "property": Shape(set(), {"name", "value"}, set()),
    "failure": SAID,
    "error": SAID,
}
SECONDS = re.compile(r"[0-9]+\.[0-9]+")
RESULTS = ("repeated", "diverged", "inconclusive", "hostile")


def suite(result):
    root = ElementTree.fromstring(junit.render(report(result)))
    assert root.tag == "testsuites"
    (found,) = root
    assert found.tag == "testsuite"
    return found


def properties(result):
    return {one.get("name"): one.get("value") for one in suite(result).findall("properties/property")}


@pytest.mark.parametrize("name", RESULTS)
def test_the_document_has_the_shape_that_jenkins_takes(name, request):
    for element in ElementTree.fromstring(junit.render(report(request.getfixturevalue(name)))).iter():
        shape = JENKINS[element.tag]
        assert {child.tag for child in element} <= shape.elements
        assert shape.needed <= set(element.attrib) <= shape.needed | shape.optional
        assert shape.text or not (element.text or "").strip()
        assert SECONDS.fullmatch(element.get("time", "0.0"))


@pytest.mark.parametrize("name", RESULTS)
def test_the_numbers_of_the_suite_are_those_of_its_one_test(name, request):
    found = suite(request.getfixturevalue(name))
    assert found.get("tests") == "1"
    (case,) = found.findall("testcase")
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(found.get(attribute)) == len(found.findall(f"testcase/{tag}"))
    assert len(case) <= 1
    for said in case:
        assert said.get("message")
        assert said.get("type")


def test_the_test_has_the_name_of_the_command_so_that_a_ci_can_follow_it(repeated, diverged):
    for result in (repeated, diverged):
        (case,) = suite(result).findall("testcase")
        assert (case.get("classname"), case.get("name")) == ("samebits.check", "python train.py")


def test_repeated_is_green(repeated):
    found = suite(repeated)
    assert (found.get("failures"), found.get("errors")) == ("0", "0")


def test_diverged_is_one_failure_with_all_that_was_found(diverged):
    found = suite(diverged)
    assert (found.get("failures"), found.get("errors")) == ("1", "0")
    failure = found.find("testcase/failure")
    assert failure.get("message") == "5 trials, 3 models. They diverge at step 0."
    assert failure.text.splitlines()[0].startswith("step 0 > gradient > embed.weight")
    assert "trial 3: ran to step 20, group B" in failure.text.splitlines()


def test_kinds_and_trials_are_properties(diverged):
    found = properties(diverged)
    assert found["verdict"] == "diverged"
    assert {found[f"kind.{name}"] for name in ("start", "rng", "batch", "forward")} == {"the same bits in all trials"}
    assert found["kind.gradient"] == "differs"
    assert found["kind.end"] == "not reached or not compared"
    assert found["trial.1"] == "ran to step 20, group A"
    assert found["record"] == ".samebits/run"


def test_no_answer_is_an_error(inconclusive):
    found = suite(inconclusive)
    assert (found.get("failures"), found.get("errors")) == ("0", "1")
    assert found.find("testcase/error").get("message") == inconclusive.reason
    assert inconclusive.advice in found.find("testcase/error").text.splitlines()


def test_a_trial_that_ended_badly_is_named(inconclusive):
    trials = [inconclusive.trials[0].model_copy(update={"status": "killed"}), *inconclusive.trials[1:]]
    result = inconclusive.model_copy(update={"trials": trials})
    assert "trial 1: killed, 1,200 steps" in suite(result).find("testcase/error").text.splitlines()
    assert properties(result)["trial.1"] == "killed, 1,200 steps"


def test_a_report_without_a_test_is_a_document_without_a_suite(repeated):
    root = ElementTree.fromstring(junit.render(Report(document=repeated)))
    assert (root.tag, len(root)) == ("testsuites", 0)
