"""The page in a real browser: Chromium, light and dark, narrow and wide."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from samebits.comparison import TensorPair, measure, shown_difference
from samebits.documents import Location, Place, TensorDistance
from samebits.reports.presenters import html
from samebits.reports.result_report import report
from samebits.reports.table import Column, Table
from samebits.reports.tree import Report

WIDTHS = (375, 1400)
SCHEMES = ("light", "dark")
LEAST_CONTRAST = 4.5  # https://www.w3.org/TR/WCAG22/#contrast-minimum
LEAST_OF_SHADES = 3.0  # https://www.w3.org/TR/WCAG22/#non-text-contrast
LEAST_CELL = 5  # pixels

CONTRASTS = Path(__file__).with_name("contrasts.js").read_text()


NAMES = ("repeated", "diverged", "single", "located", "shown")


def _shown(result, record):
    """With a picture, numbers, a histogram and an order at the divergence."""
    one = np.random.default_rng(0).normal(size=(6, 3, 32, 40)).astype("f4")
    other = one[[0, 2, 1, 3, 5, 4]] * np.float32(1 + 1e-6)
    pair, images = (
        TensorPair(one.tobytes(), other.tobytes(), "float32", shape) for shape in ((6, 23040 // 6), one.shape)
    )
    size = measure(one.tobytes(), other.tobytes(), "float32", one.shape)
    numbers = shown_difference(pair, "batch", is_related=True)
    pictures = shown_difference(images, "batch", is_related=False)
    shown = numbers.model_copy(update={"samples": [*pictures.samples, *numbers.samples]})
    size = size.model_copy(update={"shown": shown})
    return result.model_copy(update={"divergence": result.divergence.model_copy(update={"size": size})}), record


def _located(result, record):
    """With what locate found, and measured: each shade of the map by distance."""
    apart = [0.0, None, 1e-9, 1e-5, 1e-3, 1.0]
    distances = [TensorDistance(kind=kind, name=name, steps=list(range(18, 24)), relative=apart)
                 for kind, name in (("forward", "block.0.attention.projection"), ("update", "conv1.weight"))]  # fmt: skip
    path = [Place(level="module", name="conv1"), Place(level="operator", name="aten::convolution")]
    found = Location(found=True, sentence="They diverge in it.", step=20, kind="update", name="conv1.weight", path=path,
                     distances=distances)  # fmt: skip
    return result.model_copy(update={"location": found}), record


@pytest.fixture(scope="module")
def pages(judged, tmp_path_factory):
    """Verdict -> (its result, the file with its page)."""
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "repeated": judged("AAAAA", 600),
        "diverged": judged(
            "AABACABDEFGH", 600, {letter: 100 * (ord(letter) - 65) for letter in "BCDEF"} | {"G": 3, "H": 9}
        ),
        "single": judged("A", 5),
        "located": _located(*judged("AB", 50, {"B": 20})),
        "shown": _shown(*judged("AB", 50, {"B": 20})),
    }
    found = {}
    for name, (result, record) in made.items():
        path = folder / f"{name}.html"
        path.write_text(html.render(report(result, record)), encoding="utf-8")
        found[name] = (result, path)
    return found


@pytest.fixture
def opened(new_page, pages):
    """Function(name, scheme, width) -> the open page; `problems`: what the console said and what was requested."""

    def open_page(name, scheme="light", width=1400):
        page = new_page(pages[name][1], scheme, width)
        page.problems = [said for said in page.problems if said != pages[name][1].as_uri() and said != "data:,"]
        return page

    return open_page


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_requested_nothing_complains_and_nothing_overflows(opened, name, width):
    page = opened(name, width=width)
    assert page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_can_be_read(opened, name, scheme):
    page = opened(name, scheme)
    texts = page.evaluate(CONTRASTS)
    assert len(texts) > 30
    assert [text for text in texts if text[0] < LEAST_CONTRAST] == []


def test_dark_is_dark(opened):
    background = "getComputedStyle(document.body).backgroundColor"
    assert opened("repeated", "light").evaluate(background) == "rgb(255, 255, 255)"
    assert opened("repeated", "dark").evaluate(background) == "rgb(20, 23, 28)"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_seen_without_scrolling(opened, pages, name, width):
    from samebits.reports import result_words

    page = opened(name, width=width)
    heading = page.locator("h1")
    assert heading.inner_text() == result_words.heading(pages[name][0])
    box = heading.bounding_box()
    assert box["y"] + box["height"] < 500


def test_the_map_has_a_row_for_each_trial_and_its_stretches_fill_it(opened):
    page = opened("diverged")
    tracks = page.locator(".map .track")
    assert tracks.count() == 12
    for track in tracks.all():
        box = track.bounding_box()
        last = track.locator(".stretch").last.bounding_box()
        assert abs(last["x"] + last["width"] - box["x"] - box["width"]) < 3


SHADES = """() => {
  const light = (name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.className = name;
    const [r, g, b] = getComputedStyle(probe).backgroundColor.match(/[\\d.]+/g).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    probe.remove();
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return ["same", "h1", "h2", "h3", "h4"].map(light);
}"""


@pytest.mark.parametrize("scheme", [*SCHEMES, "print"])
def test_shades_of_the_heat_map_stand_out_and_are_told_apart(opened, scheme):
    page = opened("diverged", "dark" if scheme == "print" else scheme)
    page.emulate_media(media="print" if scheme == "print" else "screen")
    same, *shades = page.evaluate(SHADES)
    contrasts = [max(same, shade) / min(same, shade) for shade in shades]
    assert min(contrasts) >= LEAST_OF_SHADES
    assert contrasts == sorted(contrasts)
    for weaker, stronger in itertools.pairwise(contrasts):
        assert stronger / weaker > 1.2


@pytest.mark.parametrize("width", [375, 400, 1400])
@pytest.mark.parametrize(("name", "number", "bands"), [("diverged", 0, 6), ("located", 0, 6), ("located", 1, 2)])
def test_the_heat_map_can_be_read_on_a_narrow_page(opened, width, name, number, bands):
    heat = opened(name, width=width).locator(".heat").nth(number)
    assert heat.locator(".band").count() == bands
    for track in heat.locator(".track").all():
        box = track.bounding_box()
        cells = [cell.bounding_box() for cell in track.locator("i").all()]
        assert box["x"] - 1 <= cells[0]["x"]
        assert cells[-1]["x"] + cells[-1]["width"] <= box["x"] + box["width"] + 1
        assert all(cell["width"] >= LEAST_CELL and cell["height"] >= LEAST_CELL for cell in cells)
        for left, right in itertools.pairwise(cells):
            assert left["x"] + left["width"] <= right["x"] + 1
    assert all(cell.get_attribute("title") for cell in heat.locator("i").all())


@pytest.mark.parametrize("width", WIDTHS)
def test_labels_of_an_axis_do_not_cover_each_other(opened, width):
    page = opened("diverged", width=width)
    for axis in page.locator(".ticks").all():
        boxes = [label.bounding_box() for label in axis.locator("span").all()]
        for left, right in itertools.pairwise(boxes):
            assert left["x"] + left["width"] <= right["x"]


def test_it_prints(opened, tmp_path):
    page = opened("diverged", "dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=str(tmp_path / "page.pdf"))
    assert (tmp_path / "page.pdf").stat().st_size > 10_000


def test_a_printed_table_is_as_wide_as_the_paper(opened):
    columns = tuple(Column(f"what was measured {n}", wide=n % 2 == 0) for n in range(14))
    table = Table("1", "A wide table", columns, (tuple("kaiming uniform of the layer" for _ in columns),))
    page = opened("single")
    unshown = Place(level="step", name="0")
    page.set_content(html.render(Report(title="Wide", headline="It is.", blocks=(table,), document=unshown)))
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_the_contents_leads_somewhere(opened, name):
    page = opened(name, width=400)
    links = page.locator("nav a").all()
    assert links
    assert [link.get_attribute("href") for link in links if page.locator(link.get_attribute("href")).count() != 1] == []


@pytest.mark.parametrize("width", [400, 1400])
def test_pictures_stand_beside_each_other_and_bars_have_a_length(opened, width):
    page = opened("shown", width=width)
    images = [image.bounding_box() for image in page.locator(".pictures").first.locator("img").all()]
    assert len(images) == 3
    assert len({round(box["y"]) for box in images}) == 1
    assert all(box["width"] >= 64 for box in images)
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    bars = [bar.bounding_box()["width"] for bar in page.locator(".bars i").all()]
    assert max(bars) > 50
