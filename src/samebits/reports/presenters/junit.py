"""A report as JUnit XML, which every CI shows: one suite with one test case, and what is known of it as properties.

The properties stand in the suite: Jenkins' schema (junit-10.xsd of its xUnit plugin) has none in a test case.
https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from samebits import words
from samebits.reports.tree import JUnitCase, Report

__all__ = ["render"]

NO_ANSWER = "NoAnswer"  # the type of an error
COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))


def render(report: Report) -> str:
    """One document. `failure`: bits that differ; `error`: no answer."""
    assert report.case is not None  # the table of presenters refuses a report without one
    suite = ElementTree.Element("testsuite", name="samebits", tests="1", time=f"{report.seconds:.3f}")
    for state, attribute in COUNTED:
        suite.set(attribute, str(int(report.case.state == state)))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in report.case.properties:
        ElementTree.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    suite.append(_case(report.case, report.seconds))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(case: JUnitCase, seconds: float) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase", classname=case.group, name=words.one_line(_clean(case.name)), time=f"{seconds:.3f}"
    )
    if case.state != "passed":
        said = ElementTree.SubElement(element, case.state, message=_clean(case.message))
        said.text = _clean(case.text) or None
        said.set("type", case.failure if case.state == "failure" else NO_ANSWER)
    return element


def _clean(text: str) -> str:
    """What XML 1.0 can hold."""
    return words.printable(text).replace("\ufffe", "?").replace("\uffff", "?")
