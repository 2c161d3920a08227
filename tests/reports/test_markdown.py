"""Markdown in which nothing from outside becomes markup."""

import re

import pytest

from samebits.reports.presenters import markdown
from samebits.reports.result_report import report


def written(result, record=None):
    return markdown.render(report(result, record))


def test_the_verdict_is_the_heading(diverged):
    lines = written(diverged).splitlines()
    assert lines[0] == "## != DIFFERENT BITS"
    assert lines[2] == "5 trials, 3 models. They diverge at step 0."


@pytest.mark.parametrize(
    ("number", "why", "said"),
    [
        (
            3,
            "each needs 1 core, and 4.0 are idle",
            "At most 3 trials ran side by side: each needs 1 core, and 4.0 are idle.",
        ),
        (2, "", "At most 2 trials ran side by side."),
        (1, "a trial uses a GPU", "The trials ran one by one: a trial uses a GPU."),
    ],
)
def test_it_says_how_many_trials_ran_together_and_why(diverged, number, why, said):
    assert said in written(diverged.model_copy(update={"at_a_time": number, "at_a_time_why": why}))
    assert "one by one" not in written(diverged)


def test_nothing_from_outside_becomes_markup(hostile):
    text = written(hostile)
    outside_code = re.sub(r"(`+)( ?)[^\n]*?\2\1(?!`)", "", text)
    assert "<script" not in outside_code.replace("\\<", "")
    assert len([line for line in text.splitlines() if line.startswith("## ")]) == 1


@pytest.mark.parametrize("text", ["a", "`", "``a`", "a``b`c", " `", "", "a|b"])
def test_a_code_span_is_not_ended_by_what_stands_in_it(text):
    span = markdown.code(text)
    fence = re.match(r"`+", span).group()
    assert span.endswith(fence)
    inner = span[len(fence) : -len(fence)]
    assert fence not in re.findall(r"`+", inner)


def test_tables_have_as_many_cells_in_every_row(diverged, hostile):
    for result in (diverged, hostile):
        for block in written(result).split("\n\n"):
            rows = [line for line in block.splitlines() if line.startswith("| ")]
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1
