"""The words that all commands share."""

import pytest

from samebits import words


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "step", "1 step"), (1200, "step", "1,200 steps"), (2, "epoch", "2 epochs"), (2, "batch", "2 batches"),
     (3, "process", "3 processes"), (2, "library", "2 libraries"), (2, "day", "2 days")],
)  # fmt: skip
def test_a_number_of_things_has_its_plural(number, noun, said):
    assert words.count(number, noun) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [("2026-11-28T05:41:42+01:00", "2026-11-28 04:41 UTC"), ("2026-11-28", "2026-11-28"), ("yesterday", "yesterday")],
)
def test_a_moment_is_shown_to_the_minute_in_one_zone(text, said):
    assert words.moment(text) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (112, "112th"),
        (113, "113th"),
        (21, "21st"),
        (1202, "1,202nd"),
    ],
)
def test_a_place_in_an_order_is_counted_from_1(number, said):
    assert words.ordinal(number) == said
