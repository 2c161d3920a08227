"""A report as JUnit XML, which every CI shows: a suite for each test case, and what is known of it as properties.

The properties stand in the suite, because Jenkins' schema (junit-10.xsd of its xUnit plugin) allows none in a test
case.
https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from samebits import words
from samebits.reports.tree import JUnitCase, Report

NO_ANSWER = "NoAnswer"  # the type of an error; a skipped test has none
COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))


def render(report: Report) -> str:
    """Return one document.

    `failure`: the bits differ; `error`: no answer; `skipped`: no answer, because nobody asked for one.
    """
    root = ElementTree.Element("testsuites")
    root.extend(map(_suite, report.cases))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(case: JUnitCase) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name="samebits", tests="1", time=f"{case.seconds:.3f}")
    for state, attribute in COUNTED:
        suite.set(attribute, str(int(case.state == state)))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in case.properties:
        ElementTree.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    suite.append(_case(case))
    return suite


def _case(case: JUnitCase) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase", classname=case.group, name=words.one_line(_clean(case.name)), time=f"{case.seconds:.3f}"
    )
    if case.state != "passed":
        child = ElementTree.SubElement(element, case.state, message=_clean(case.message))
        child.text = _clean(case.text) or None
        if case.state != "skipped":
            child.set("type", case.failure if case.state == "failure" else NO_ANSWER)
    return element


def _clean(text: str) -> str:
    """Return the text without characters that XML 1.0 cannot hold."""
    return words.printable(text).replace("\ufffe", "?").replace("\uffff", "?")
