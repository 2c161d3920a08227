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
