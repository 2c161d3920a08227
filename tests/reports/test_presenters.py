"""What holds for every presenter in the table."""

import importlib
from pathlib import Path

import pytest

from samebits.errors import UsageError
from samebits.reports.presenters import PRESENTERS, markdown, render
from samebits.reports.result_report import report

RESULTS = ("repeated", "diverged", "inconclusive", "hostile")


@pytest.mark.parametrize("name", PRESENTERS)
def test_every_presenter_writes_a_report_from_a_record(name, judged):
    assert render(name, report(*judged("AAB", 50, {"B": 20})))


@pytest.mark.parametrize("name", PRESENTERS)
@pytest.mark.parametrize("result", RESULTS)
def test_every_report_of_every_verdict_is_text_that_can_be_written(name, result, request):
    text = render(name, report(request.getfixturevalue(result)))
    assert text.encode("utf-8").strip()
    assert text.endswith("\n")
    assert "\x1b" not in text
    assert "\x00" not in text


@pytest.mark.parametrize("name", [name for name in PRESENTERS if name != "json"])
@pytest.mark.parametrize("result", ["repeated", "diverged", "inconclusive"])
def test_every_report_for_people_says_the_headline(name, result, request):
    from samebits.reports import result_words

    made = request.getfixturevalue(result)
    said = result_words.heading(made) if name in ("md", "html") else result_words.headline(made)
    text = render(name, report(made))
    if name == "junit" and result == "repeated":
        said = 'name="verdict" value="repeated"'  # a suite without a failure says the rest by its properties
    assert markdown.escaped(said) in text if name == "md" else said in text


def test_each_presenter_is_one_file_in_the_table():
    folder = Path(importlib.import_module("samebits.reports.presenters").__file__).parent
    files = {f"samebits.reports.presenters.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"}
    assert files == set(PRESENTERS.values())


def test_a_format_that_is_none_is_refused(repeated):
    with pytest.raises(UsageError, match="There is no report format pdf"):
        render("pdf", report(repeated))
