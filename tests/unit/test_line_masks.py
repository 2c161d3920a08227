"""Lines of one form are masked once, with the same result as each line by itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.store import masks, text_files
from samebits.store.masks import Run, TooMany, masked_lines
from samebits.store.text_files import lines_of

RUN = Run(span=(1.7e9, 1.8e9))
WORDS = (
    "loss", "acc", "time", "took", "in", "done", "eta:", "elapsed", "step", "epoch", "pid", "port", "INFO", "Nov", "Sat", "PM", "UTC",
    "s", "ms", "it/s", "imgs/s", "min", "h", "%", "seconds", "per", "updated", "throughput", "cpu", "ram", "GB", "load", "avg",
    "RSS", "worker", "MainThread", "localhost", "/tmp/x", "runs/", "Data", "saved", "seed", "0x", "[", "]", "(", ")", "<", "|", "=", ":",
    "-", ",", "/", "<date>", "<time>",
)  # fmt: skip
NUMBER = st.one_of(
    st.integers(0, 2100).map(str),
    st.integers(1690000000, 1810000000).map(str),
    st.floats(0, 100).map("{:.3f}".format),
    st.floats(-1, 1).map("{:.2e}".format),
    st.tuples(st.integers(0, 99), st.integers(0, 999)).map("{0[0]}/{0[1]}".format),
)
CLOCK = st.tuples(*(st.integers(0, most) for most in (14, 33, 30, 66, 66, 999))).map(
    lambda of: "2026-{:02}-{:02} {:02}:{:02}:{:02},{:03}".format(*of)
)
FIELD = st.one_of(
    NUMBER, st.sampled_from(WORDS), CLOCK, CLOCK.map(lambda text: text[11:]), CLOCK.map(lambda text: text[14:19])
)
LINE = st.lists(st.tuples(FIELD, st.sampled_from((" ", " ", "", ": ", "=", ", ", "-", ".", "  "))), max_size=12).map(
    lambda some: "".join(map("".join, some))
)


@given(LINE, st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_a_line_is_masked_in_the_same_way_alone_and_after_a_line_of_its_form(line, digits):
    places = [found.start() for found in re.finditer(r"\d", line)]
    other = list(line)
    for place, digit in zip(places, digits, strict=False):
        other[place] = str(digit)
    lines = [line, "".join(other)]
    assert masked_lines(lines, RUN) == [RUN.masked(one) for one in lines]


@pytest.mark.parametrize(
    "line",
    ["2026-11-28 12:00:{n},123 INFO step {n} loss 0.{n}", "[00:{n}<00:12, 9.{n}it/s, loss=0.{n}]", "epoch 1/{n} took {n}.5s: 0.5",
     '{{"time": 17000000{n}.25, "loss": 0.{n}}}', "lr 1.{n}e-05 at 1:{n}:11", "loss {n}% of ٣ ({n})"],
)  # fmt: skip
def test_lines_of_one_form_are_masked_once(line, monkeypatch):
    lines = [line.format(n=number) for number in range(11, 59)]
    expected = [RUN.masked(one) for one in lines]
    asked, one = [], masks.masked

    def masked(text, *spans):
        asked.extend([] if spans else [text])  # `Run.masked`, which gives a span, masks a line that has no form
        return one(text, *spans)

    monkeypatch.setattr(masks, "masked", masked)
    assert masked_lines(lines, RUN) == expected
    assert len(asked) <= 1


def test_a_number_whose_digits_decide_is_looked_at_in_each_line():
    lines = [
        "at 2026.12.01",
        "at 2026.13.01",
        "saved: 12:59",
        "saved: 12:60",
        "RSS: 0.823",
        "RSS: 823",
        "updated: 1,700,000,000",
        "updated: 1,100,000,000",
    ]
    assert masked_lines(lines, Run()) == [Run().masked(line) for line in lines]


def test_a_long_log_is_compared_whole_if_its_lines_have_few_forms_and_else_by_its_ends(monkeypatch):
    monkeypatch.setattr(text_files, "MOST_LINES", 20)
    monkeypatch.setattr(text_files, "MOST_FORMS", 30)

    def log(second, middle=0.5):
        lines = [f"12:00:{second} step {n} loss {middle if n == 50 else n / 100}" for n in range(100)]
        return lines_of("\n".join(lines), Run())

    assert log(11).ordered == log(12).ordered != log(11, 0.7).ordered
    assert not log(11).cut
    words = [chr(97 + number % 26) * (1 + number // 26) for number in range(100)]
    odd = lines_of("\n".join(f"{word} 1" for word in words), Run())
    assert (odd.cut, odd.count) == (True, 20)
    with pytest.raises(TooMany):
        masked_lines([f"{word} 1" for word in words], Run(), 30)
