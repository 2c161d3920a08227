"""The page of the paper's claims: its numbers, its counts and its contents come from its script."""

import re
from pathlib import Path

import pytest
from builders import module_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "study" / "claims.md"


@pytest.fixture(scope="module")
def script():
    """The script that makes the page, as a module."""
    return module_of(DOCS / "claims.py")


def test_the_page_is_what_its_command_makes(script):
    assert script.page((PAGE.parent / "claims.template.txt").read_text()) == PAGE.read_text()


def test_the_page_begins_with_how_many_claims_have_each_status(script):
    rows = [match[0] for match in script.ROW.finditer(PAGE.read_text())]
    counts = [sum(row.startswith(f"- **{status}** (") for row in rows) for status in script.STATUS]
    said = "**{} claims: {} supported, {} do not hold, {} undecided, {} not tried.**".format(len(rows), *counts)
    assert said in PAGE.read_text().splitlines()
    assert len(rows) == len(re.findall(r"^- \*\*[a-z ]+\*\* \(", PAGE.read_text(), re.MULTILINE))


def test_no_row_is_longer_than_three_lines_and_each_names_a_command_or_a_page(script):
    for row in (match[0] for match in script.ROW.finditer(PAGE.read_text())):
        lines = row.splitlines()
        assert len(lines) <= 3, row
        assert max(map(len, lines)) <= 120, row
        assert "`samebits" in " ".join(lines) or "`python" in row or "](" in row, row


def test_each_detail_that_a_row_names_is_there(script):
    text = PAGE.read_text()
    named = set(re.findall(r"\]\(#([\w-]+)\)", text))
    assert named <= {script.anchor(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def test_the_bound_of_equal_trials_is_that_of_a_95_percent_interval(script):
    assert (script.bound(7), script.bound(28)) == ("35", "10")
