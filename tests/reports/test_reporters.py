"""What holds for every reporter in the table, found by itself."""

import ast
import importlib
from pathlib import Path

import pytest

from samebits import reports

RESULTS = ("repeated", "diverged", "inconclusive", "hostile")


@pytest.mark.parametrize("name", reports.REPORTERS)
@pytest.mark.parametrize("result", RESULTS)
def test_every_reporter_renders_every_verdict_without_a_record(name, result, request):
    text = reports.render(name, request.getfixturevalue(result))
    assert text.endswith("\n")
    assert text.strip()


@pytest.mark.parametrize("name", reports.REPORTERS)
def test_every_reporter_renders_from_a_record(name, judged):
    result, record = judged("AAB", 50, {"B": 20})
    assert reports.render(name, result, record)


@pytest.mark.parametrize("name", reports.REPORTERS)
@pytest.mark.parametrize("result", RESULTS)
def test_every_report_is_text_that_can_be_written(name, result, request):
    text = reports.render(name, request.getfixturevalue(result))
    text.encode("utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text


@pytest.mark.parametrize("name", [name for name in reports.REPORTERS if name != "json"])
@pytest.mark.parametrize("result", ["repeated", "diverged", "inconclusive"])
def test_every_report_for_people_says_the_headline(name, result, request):
    from samebits.reports import markdown, result_words

    made = request.getfixturevalue(result)
    said = result_words.sentence(made) if name in ("md", "html") else result_words.headline(made)
    text = reports.render(name, made)
    if name == "junit" and result == "repeated":
        said = "the trials have the same bits"  # a suite without a failure says the rest by its numbers
    assert markdown.escaped(said) in text if name == "md" else said in text


def test_each_reporter_is_one_file_in_the_table():
    folder = Path(reports.__file__).parent
    rendering = {
        f"samebits.reports.{path.stem}"
        for path in folder.glob("*.py")
        if any(isinstance(n, ast.FunctionDef) and n.name == "render" for n in ast.parse(path.read_text()).body)
    } - {"samebits.reports.__init__"}
    assert rendering - {reports.__name__} == set(reports.REPORTERS.values())
    for module in rendering:
        assert importlib.import_module(module).__doc__
