"""A report as JUnit XML, which every CI shows: one suite of its cases."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from samebits import words
from samebits.reports.tree import JUnitCase, Report

TYPES = {"failure": "DifferentBits", "error": "NoAnswer"}


def render(report: Report) -> str:
    """One document. `failure`: bits that differ; `error`: no answer; `skipped`: not reached or not observed."""
    suite = ElementTree.Element("testsuite", name="samebits")
    suite.extend(map(_case, report.cases))
    for state, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.state == state for case in report.cases)))
    suite.set("tests", str(len(report.cases)))
    suite.set("time", f"{report.seconds:.3f}")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(case: JUnitCase) -> ElementTree.Element:
    element = ElementTree.Element("testcase", classname=case.group, name=_clean(case.name), time=f"{case.seconds:.3f}")
    if case.state != "passed":
        said = ElementTree.SubElement(element, case.state, message=_clean(case.message))
        said.text = _clean(case.text) or None
        if case.state in TYPES:
            said.set("type", TYPES[case.state])
    return element


def _clean(text: str) -> str:
    """What XML 1.0 can hold."""
    return words.printable(text).replace("\ufffe", "?").replace("\uffff", "?")
