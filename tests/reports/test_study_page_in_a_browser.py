"""The page of a study in a real browser: Chromium, light and dark, narrow and wide."""

import json
from pathlib import Path

import pytest

from samebits.reports.presenters import html
from samebits_study import output
from samebits_study.reports import DrawnFigure, report
from samebits_study.results import StudyResult

pytest.importorskip("matplotlib", reason="the extra study (matplotlib) is not installed")

WIDTHS = (375, 1400)
TALLEST = 6_000  # pixels
PUBLISHED = sorted((Path(__file__).parents[2] / "docs" / "study").glob("*/study.json"))
LEAST_CONTRAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum
CONTRASTS = Path(__file__).with_name("contrasts.js").read_text()

# colour of the figure's corner, as it is drawn on a canvas
CORNER = """async (image) => {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(2, 2, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture(scope="module")
def page_file(documents, tmp_path_factory):
    return output.write(documents.lenet5(), tmp_path_factory.mktemp("study"))[-1]


@pytest.fixture
def opened(new_page, page_file):
    """Function(scheme, width, unfolded, file) -> the open page; `problems`: what the console said and what was
    requested."""

    def open_page(scheme="light", width=1400, unfolded=True, file=page_file):
        page = new_page(file, scheme, width)
        if unfolded:
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.problems = [said for said in page.problems if not said.startswith(("file:", "data:"))]
        return page

    return open_page


@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_requested_nothing_complains_and_nothing_overflows(opened, width, unfolded):
    page = opened(width=width, unfolded=unfolded)
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(opened, scheme):
    texts = opened(scheme).evaluate(CONTRASTS)
    assert len(texts) > 300
    assert [text for text in texts if text[0] < LEAST_CONTRAST] == []


@pytest.mark.parametrize(("scheme", "paper"), [("light", [255, 255, 255]), ("dark", [20, 23, 28])])
def test_figures_are_drawn_and_follow_the_scheme(opened, scheme, paper):
    page = opened(scheme)
    images = page.locator("figure img")
    assert images.count() == 4
    for image in images.all():
        assert image.evaluate("image => image.complete && image.naturalWidth") > 300
        assert image.evaluate(CORNER) == paper


def test_links_of_the_contents_lead_somewhere(opened):
    page = opened()
    for link in page.locator("nav a").all():
        target = link.get_attribute("href")
        assert page.locator(target).count() == 1


@pytest.fixture(scope="module")
def published_pages(tmp_path_factory):
    """The page of each study in the documentation, from its study.json and its figures: name -> file."""
    folder, pages = tmp_path_factory.mktemp("pages"), {}
    for path in PUBLISHED:
        result = StudyResult.model_validate(json.loads(path.read_text()))
        made = [(one, path.parent / f"figure-{one.id}.svg") for one in output.every_figure(result, path.parent)]
        drawn = [DrawnFigure(figure, [svg] if svg.is_file() else []) for figure, svg in made]
        pages[path.parent.name] = folder / f"{path.parent.name}.html"
        page = html.render(report(result, output.every_table(result), drawn))
        pages[path.parent.name].write_text(page, encoding="utf-8")
    return pages


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [path.parent.name for path in PUBLISHED])
def test_a_page_of_real_results_can_be_read_at_once(opened, published_pages, name, width):
    page = opened(width=width, unfolded=False, file=published_pages[name])
    assert page.evaluate("document.documentElement.scrollHeight") <= TALLEST
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_findings_come_first_and_each_folded_part_has_a_title_in_the_contents(opened):
    page = opened(unfolded=False)
    assert page.locator("main h2").first.inner_text() == "Summary"
    assert page.locator("main figure").first.evaluate("one => one.getBoundingClientRect().top") < 900
    links = page.locator("nav a").all_text_contents()
    folded = page.locator("details > summary > h3").all_text_contents()
    assert len(folded) > 8
    assert set(folded) <= set(links)


def test_a_link_to_a_folded_table_opens_it(opened):
    page = opened(unfolded=False)
    table = page.locator("#table-controls table")
    assert not table.is_visible()
    page.evaluate("location.hash = '#table-controls'")
    table.wait_for(state="visible")


def test_what_is_folded_is_printed(opened):
    page = opened(unfolded=False)
    table = page.locator("#table-controls")
    assert not table.is_visible()  # its height may be known all the same: Chromium lays out what it does not show
    page.emulate_media(media="print")
    table.wait_for(state="visible")
    assert table.evaluate("one => one.getBoundingClientRect().height") > 100


def test_it_prints_light_and_whole(opened, tmp_path):
    page = opened("dark")
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=str(tmp_path / "page.pdf"))
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
