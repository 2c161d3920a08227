"""The result as JUnit XML, which every CI shows: one suite; a case for the verdict, each kind and each trial."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

from samebits import words
from samebits.model import ENDED_WELL, Result, Trial
from samebits.reports import result_words

if TYPE_CHECKING:
    from samebits.store.record import Record

VERDICT, KINDS, TRIALS = "samebits.verdict", "samebits.kinds", "samebits.trials"


def render(result: Result, record: Record | None = None) -> str:
    """One document. `failure`: bits that differ; `error`: no answer; `skipped`: not reached or not observed."""
    suite = ElementTree.Element("testsuite", name="samebits")
    cases = [_verdict(result), *_kinds(result), *_trials(result)]
    suite.extend(cases)
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{result.seconds:.3f}")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(group: str, name: str, seconds: float = 0.0) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=group, name=_clean(name), time=f"{seconds:.3f}")


def _with(case: ElementTree.Element, tag: str, message: str, text: str = "") -> ElementTree.Element:
    said = ElementTree.SubElement(case, tag, message=_clean(message))
    if tag != "skipped":
        said.set("type", {"failure": "DifferentBits", "error": "NoAnswer"}[tag])
    said.text = _clean(text) or None
    return case


def _verdict(result: Result) -> ElementTree.Element:
    case = _case(VERDICT, "the trials have the same bits", result.seconds)
    if result.verdict == "diverged":
        return _with(case, "failure", result_words.headline(result), _where(result))
    if result.verdict == "inconclusive":
        return _with(case, "error", result_words.headline(result), result.advice or "")
    return case


def _where(result: Result) -> str:
    if result.divergence is None:
        return ""
    why = result.explanation.sentence if result.explanation is not None else ""
    said = [" > ".join(result_words.path(result.divergence)), result_words.size(result.divergence), why]
    return "\n".join(words.one_line(line) for line in said if line)


def _kinds(result: Result) -> list[ElementTree.Element]:
    cases = []
    for kind, mark in result.judged.items():
        case = _case(KINDS, f"{kind}: {result_words.KIND_WORDS.get(kind, kind)}")
        if mark == "!":
            _with(case, "failure", result_words.MARK_WORDS[mark], _where(result))
        elif mark != "=":
            _with(case, "skipped", result_words.MARK_WORDS.get(mark, mark))
        cases.append(case)
    return cases


def _trials(result: Result) -> list[ElementTree.Element]:
    names = result_words.letters(result)
    return [_trial(trial, names.get(trial.id), result) for trial in result.trials]


def _trial(trial: Trial, group: str | None, result: Result) -> ElementTree.Element:
    case = _case(TRIALS, f"trial {trial.id}", trial.seconds)
    if trial.status not in ENDED_WELL:
        return _with(case, "error", f"{result_words.status_words(trial)} after {words.count(trial.steps, 'step')}")
    if result.verdict == "diverged" and trial.id not in result_words.reference_group(result):
        return _with(case, "failure", f"in group {group}, not in the largest group" if group else "not compared")
    return case


def _clean(text: str) -> str:
    """What XML 1.0 can hold."""
    return words.printable(text).replace("\ufffe", "?").replace("\uffff", "?")
