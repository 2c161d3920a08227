"""The page: whole in itself, escaped, and complete."""

import re
from html.parser import HTMLParser

import pytest

from samebits.model import HeldControl, Setup
from samebits.reports.presenters import html
from samebits.reports.result_report import report
from samebits.reports.table import Column, Table
from samebits.reports.tree import Code, Facts, Report

VOID = {"meta", "link", "line", "path", "br", "img"}


def page_of(result, record=None):
    return html.render(report(result, record))


class Tags(HTMLParser):
    """Checks that every element is closed, and collects them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.labels = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.labels += [value for name, value in attrs if name == "aria-labelledby"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags


@pytest.mark.parametrize("name", ["repeated", "diverged", "inconclusive", "hostile"])
def test_the_page_is_well_formed(name, request):
    tags = parsed(page_of(request.getfixturevalue(name)))
    assert len(set(tags.ids)) == len(tags.ids)
    assert set(tags.labels) <= set(tags.ids)
    assert [tag for tag, _ in tags.seen].count("h1") == 1


def test_the_page_of_a_record_is_well_formed(judged):
    tags = parsed(page_of(*judged("AABAC", 1000, {"B": 300, "C": 640})))
    assert set(tags.labels) <= set(tags.ids)
    for tag, attributes in tags.seen:
        if attributes.get("role") == "img":
            assert attributes.get("aria-label"), tag


def test_the_page_needs_nothing_from_outside(judged):
    text = page_of(*judged("AB", 50, {"B": 20}))
    assert not re.search(r"https?:|@import|url\(|<script|\bsrc=|<iframe|<object", text)


def test_nothing_from_outside_becomes_markup(hostile):
    text = page_of(hostile)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_the_path_goes_from_the_step_to_the_tensor(diverged):
    text = page_of(diverged)
    path = re.search(r'<ol class="path".*?</ol>', text, re.DOTALL).group()
    assert re.findall(r"<li>(.*?)</li>", path) == ["step 0", "gradient", "embed.weight"]
    assert "812 of 65,536 values, at most 3 ULP" in text
    assert "3,4 (from 1,2,5)" in text


def test_what_it_does_not_say_is_said(repeated):
    text = page_of(repeated)
    assert "trials that agree prove nothing about the next one" in text
    for word in ("certified", "guaranteed", "reproducib"):
        assert word not in text.lower()


def test_controls_are_shown_with_whether_they_took_effect(repeated):
    controls = [
        HeldControl(id="numpy-seed", took_effect=True),
        HeldControl(id="tf-seed", took_effect=False, detail="tensorflow was never imported"),
        HeldControl(id="aslr", took_effect=None),
    ]
    text = page_of(repeated.model_copy(update={"setup": Setup(command=["python"], python=None, controls=controls)}))
    assert re.search(r'tf-seed</code></td><td>no</td><td class="wide">tensorflow was never imported', text)
    assert re.search(r"aslr</code></td><td>not known", text)


def test_files_are_compared_by_content(judged):
    text = page_of(*judged("AB", 50, {"B": 20}))
    assert "{out}/model.pt" in text
    assert "2 different" in text


def test_a_trial_that_was_not_compared_has_an_empty_row(judged):
    result, record = judged("AAB", 50, {"B": 20})
    text = page_of(result.model_copy(update={"groups": [[1, 2]], "divergence": None}), record)
    assert 'aria-label="trial 3: not compared (complete)"' in text


def test_every_section_and_figure_after_the_first_is_in_the_contents(judged):
    tags = parsed(page_of(*judged("AABAC", 1000, {"B": 300, "C": 640})))
    links = [attributes["href"][1:] for tag, attributes in tags.seen if tag == "a"]
    first, *rest = [name for name in tags.labels if name != "contents"]
    assert links == rest
    assert first not in links
    assert {"where", "heat", "steps", "plot-1", "trials", "setup", "reading"} <= {first, *links}


def test_contents_of_a_page_without_sections_stand_above_its_first_table(repeated):
    tables = tuple(Table(str(n), f"Table {n}", (Column("a"),), (("b",),)) for n in range(3))
    made = Report(
        title="Measured", headline="Well.", blocks=(Facts((("paper", "agrees"),)), *tables), document=repeated
    )
    page = html.render(made)
    assert page.index("agrees") < page.index('id="contents"') < page.index('id="table-0"')


def test_the_page_begins_with_the_verdict_the_command_and_what_to_do_next(judged):
    page = page_of(*judged("AAB", 50, {"B": 20}))
    said = ["DIFFERENT BITS", "python train.py --lr 0.1", "/usr/bin/python3", "What to do next", "samebits explain",
            "Where they diverge", "Contents", "What this says"]  # fmt: skip
    places = [page.index(one, page.index("<body>")) for one in said]
    assert places == sorted(places)


def test_the_lines_of_a_patch_that_are_new_or_gone_are_marked_and_those_of_a_program_are_not(repeated):
    patch, program = Code("--- a/t.py\n+++ b/t.py\n x\n-y < 1\n+y < 2"), Code("-y\n+y")
    page = html.render(Report(title="Patch", headline="Well.", blocks=(patch, program), document=repeated))
    assert "\n x\n<del>-y &lt; 1</del>\n<ins>+y &lt; 2</ins>\n</pre>" in page
    assert ">-y\n+y\n</pre>" in page


def test_the_page_says_when_the_trials_ran_to_the_minute(judged):
    result, record = judged("AB", 5, {"B": 2})
    assert "2026-01-01 00:00 UTC" in page_of(result, record)


def test_a_table_of_trials_without_a_metric_has_no_column_for_it(judged):
    result, record = judged("AB", 5, {"B": 2})
    bare = [trial.model_copy(update={"metrics": {}}) for trial in result.trials]
    full = [trial.model_copy(update={"metrics": {"loss": 0.5}}) for trial in result.trials]
    head = re.compile("<th[^>]*>metrics</th>")
    assert not head.search(page_of(result.model_copy(update={"trials": bare}), record))
    assert head.search(page_of(result.model_copy(update={"trials": full}), record))


def test_a_section_without_content_is_left_out(repeated, judged):
    for page in (page_of(repeated), page_of(*judged("A", 5)), page_of(*judged("AB", 50, {"B": 20}))):
        assert "Controls</h2>" not in page
        assert not re.search(r"</h[23]>\s*</section>", page)
    assert "none: the program ran as it is" in page
