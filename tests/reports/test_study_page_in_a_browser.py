"""The page of a study in a real browser: Chromium, light and dark, narrow and wide."""

from pathlib import Path

import pytest

from samebits_study import output

pytest.importorskip("matplotlib", reason="the extra study (matplotlib) is not installed")

WIDTHS = (375, 1400)
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
def opened(browser, page_file):
    """Function(scheme, width) -> the open page; `problems`: what the console said and what was requested."""
    contexts = []

    def open_page(scheme="light", width=1400):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url))
        page.goto(page_file.as_uri())
        page.problems = [said for said in page.problems if not said.startswith(("file:", "data:"))]
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_requested_nothing_complains_and_nothing_overflows(opened, width):
    page = opened(width=width)
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


def test_it_prints_light_and_whole(opened, tmp_path):
    page = opened("dark")
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=str(tmp_path / "page.pdf"))
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
