"""The values that differ: pictures, numbers, a histogram and an order on a page, and in Markdown what text can hold."""

import re

import numpy as np
import pytest

from samebits.comparison import TensorPair, measure, shown_difference
from samebits.comparison.verdict.file_order import order_of
from samebits.documents import Location
from samebits.model import Divergence, ProcessKey
from samebits.reports.presenters import html, markdown
from samebits.reports.result_report import report

DRAWN = np.random.default_rng(3)
IMAGES = DRAWN.normal(size=(4, 1, 28, 28)).astype("f4")


def sized(one, other, kind):
    size = measure(one.tobytes(), other.tobytes(), str(one.dtype), one.shape)
    pair = TensorPair(one.tobytes(), other.tobytes(), str(one.dtype), one.shape)
    return size.model_copy(update={"shown": shown_difference(pair, kind, is_related=not size.unrelated)})


@pytest.fixture
def shown(diverged):
    """Function(one, other, kind) -> the result of trials that diverge at this tensor."""

    def make(one, other, kind):
        where = Divergence(step=3, kind=kind, name="0", trials=[2], process=ProcessKey(order=0, argv=["train.py"]),
                           size=sized(one, other, kind))  # fmt: skip
        return diverged.model_copy(update={"divergence": where})

    return make


def page_of(result):
    return html.render(report(result))


def test_two_samples_are_pictures_beside_each_other_with_their_difference(shown):
    page = page_of(shown(IMAGES, IMAGES[[0, 2, 1, 3]], "batch"))
    pictures = re.findall(r'<img src="data:image/png;base64,[A-Za-z0-9+/=]+" alt="(\w+), 28 by 28 pixels', page)
    assert pictures == ["first", "second", "difference"] * 2
    assert "Sample 1 of the batch: 784 of 784 values differ." in page
    assert "kept the values of batch &gt; 0." in page
    assert "Order: 2 of 4 rows are in both, at different places; 2 at the same place." in page
    assert len(page) < 100_000
    assert not re.search(r"https?:", page)


def test_a_png_holds_the_pixels(shown):
    import base64
    import io

    image = pytest.importorskip("PIL.Image")
    a = np.zeros((1, 8, 9, 3), "u1")
    b = a.copy()
    b[0, 2, 4] = 0, 200, 0
    page = page_of(shown(a, b, "batch"))
    one, other, difference = (
        np.asarray(image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    )
    assert (one.shape, other.shape, difference.shape) == ((8, 9, 3), (8, 9, 3), (8, 9))
    assert other[2, 4].tolist() == [0, 255, 0]
    assert np.argwhere(difference).tolist() == [[2, 4]]


def test_indices_are_numbers_with_those_that_differ_marked(shown):
    tokens = np.arange(40).reshape(2, 20)
    other = tokens.copy()
    other[1, 7] = 99
    text = markdown.render(report(shown(tokens, other, "batch")))
    assert "Row 1: 1 of 20 values differs." in text
    assert "| 7 | `!=` | 27 | 99 |" in text
    assert "| 8 | `=` | 28 | 28 |" in text


def test_a_tensor_has_a_histogram_and_markdown_has_its_numbers(shown):
    a = np.ones(50, "f4")
    b = a.copy()
    b.view("u4")[:5] += np.array([1, 1, 3, 4, 9], "u4")
    result = shown(a, b, "gradient")
    page = page_of(result)
    assert 'aria-label="1 ULP: 2 values; 3 to 4 ULP: 2 values; 9 to 16 ULP: 1 value"' in page
    assert re.search(r"\| 3 to 4 \| 2 \|", markdown.render(report(result)))


def test_without_values_the_page_says_what_they_would_cost(diverged):
    page = page_of(diverged)
    assert "One command adds the values. It runs at most 4 more trials, up to this step." in page
    assert re.search(r"<pre[^>]*>(<code>)?samebits locate \.samebits/run\s*<", page)
    assert "The longest trial of this record took 3.1 s." in page
    without = diverged.model_copy(update={"record": None})
    assert "The values that differ" not in page_of(without)


def test_what_locate_has_kept_is_shown_too(diverged):
    size = sized(IMAGES, IMAGES + np.float32(1e-6), "gradient")
    found = Location(found=True, sentence="Here.", step=0, kind="gradient", name="embed.weight", size=size)
    page = page_of(diverged.model_copy(update={"location": found}))
    assert "The number of values at each distance, in units in the last place (ULP)." in page
    assert "locate compared different trials" in page
    assert "One command adds the values" not in page


def test_files_in_a_different_order_stand_side_by_side_from_the_first_that_differs(diverged):
    one = [f"shard-{number:02}.npy" for number in range(20)]
    order = order_of(1, 3, one, [one[0], *one[:0:-1]])
    where = diverged.divergence.model_copy(update={"files": order})
    text = markdown.render(report(diverged.model_copy(update={"divergence": where})))
    assert "Trials 1 and 3 opened the same 20 files, in a different order: 18 places have a different file." in text
    assert "| place |  | trial 1 | trial 3 |" in text
    assert "| 2 | `!=` | shard-01.npy | shard-19.npy |" in text
    assert "| 11 | `=` | shard-10.npy | shard-10.npy |" in text
    assert "3 more are not shown." in text
    assert "Order of files" not in page_of(diverged)


def test_a_difference_without_a_tensor_has_no_such_section(diverged):
    where = diverged.divergence.model_copy(update={"kind": "end", "name": "{out}/model.pt", "size": None})
    assert "The values that differ" not in page_of(diverged.model_copy(update={"divergence": where}))
