"""JUnit XML that continuous integration can read: the numbers add up, and every verdict but `repeated` is red."""

import xml.etree.ElementTree as ElementTree

import pytest

from samebits.reports.presenters import junit
from samebits.reports.result import report


def suite(result):
    root = ElementTree.fromstring(junit.render(report(result)))
    assert root.tag == "testsuites"
    (found,) = root
    assert found.tag == "testsuite"
    return found


@pytest.mark.parametrize("name", ["repeated", "diverged", "inconclusive", "hostile"])
def test_the_numbers_of_the_suite_are_those_of_its_cases(name, request):
    found = suite(request.getfixturevalue(name))
    cases = found.findall("testcase")
    assert int(found.get("tests")) == len(cases) > 5
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(found.get(attribute)) == len(found.findall(f"testcase/{tag}"))
    for case in cases:
        assert {"classname", "name", "time"} == set(case.attrib)
        assert float(case.get("time")) >= 0
        assert len(case) <= 1
        for said in case:
            assert said.get("message")
            assert said.tag == "skipped" or said.get("type")
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names)


def test_repeated_is_green(repeated):
    found = suite(repeated)
    assert (found.get("failures"), found.get("errors")) == ("0", "0")


def test_diverged_is_a_failure_of_the_verdict_the_kind_and_the_trials_that_leave(diverged):
    failed = {case.get("name").split(":")[0] for case in suite(diverged).findall("testcase[failure]")}
    assert failed == {"the trials have the same bits", "gradient", "trial 3", "trial 4"}


def test_no_answer_is_an_error(inconclusive):
    found = suite(inconclusive)
    assert int(found.get("errors")) >= 1
    assert found.find("testcase/error").get("message") == inconclusive.reason


def test_a_trial_that_ended_badly_is_an_error(inconclusive):
    trials = [inconclusive.trials[0].model_copy(update={"status": "killed"}), *inconclusive.trials[1:]]
    assert suite(inconclusive.model_copy(update={"trials": trials})).findall("testcase[@name='trial 1']/error")
