"""Which changes of a patch are needed."""

from pathlib import Path

import pytest

from samebits.patches import reduction
from samebits.patches.patch import Patch
from samebits.patches.program import LineChange
from samebits.patches.reduction import MOST_CHECKS, Reduction, only, places
from samebits.patches.source import SourceFile, TextEdit

SOURCE = SourceFile(Path("/p/train.py"), "0123456789abcdef\n", "utf-8")


def patch(number):
    """Two changes at each of so many places, and one that belongs to none."""
    at = [(start, start + 1) for start in range(number)]
    changes = [LineChange("hash-seed", SOURCE, TextEdit(end, end, "x"), "", place) for place in at for end in place]
    return Patch((LineChange("python-seed", SOURCE, TextEdit(15, 15, "y"), ""), *changes))


@pytest.mark.parametrize("needed", [{0}, {7}, {3, 4}, {0, 7}, {1, 2, 6}, set(range(8))])
def test_what_is_needed_stays_and_nothing_else(needed, monkeypatch):
    monkeypatch.setattr(reduction, "MOST_CHECKS", 100)
    whole = patch(8)
    wanted = only(whole, [places(whole)[place] for place in needed])

    def repeats(tried):
        return set(places(wanted)) <= set(places(tried))

    assert Reduction(whole, repeats).smallest() == wanted


def test_the_checks_are_bounded_and_what_was_not_tried_stays():
    tried = []

    def repeats(some):
        tried.append(some)
        return False

    whole = patch(16)
    search = Reduction(whole, repeats)
    assert search.smallest() == whole
    assert len(tried) == MOST_CHECKS
    assert search.is_cut


def test_a_search_that_needs_exactly_the_most_checks_is_whole(monkeypatch):
    counted = Reduction(patch(2), lambda _: False)
    counted.smallest()
    monkeypatch.setattr(reduction, "MOST_CHECKS", counted.checks)
    again = Reduction(patch(2), lambda _: False)
    again.smallest()
    assert (again.checks, again.is_cut) == (counted.checks, False)
