"""Two trials that open the same files in a different order: what is the same file, and which places differ."""

import pytest

from samebits.comparison.verdict.file_order import order_of


def rows(one, other):
    found = order_of(1, 2, one, other)
    return found and list(zip(found.one, found.other, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        (["/data/a", "/data/b"], ["/data/a", "/data/b"]),
        (["/data/a", "/log", "/data/b"], ["/data/a", "/data/b", "/else"]),  # what one alone opened has no order
        (["/tmp/x1/a", "/tmp/x1/b"], ["/tmp/x2/a", "/tmp/x2/b"]),
        (["/a/x", "/b/x"], ["/c/x", "/d/x"]),  # nobody knows which is which
    ],
)
def test_the_same_order_is_no_difference(one, other):
    assert order_of(1, 2, one, other) is None


def test_the_places_begin_with_the_first_that_differs_and_names_are_short():
    assert rows(["/d/a/1", "/d/a/2", "/d/b/1"], ["/d/a/1", "/d/b/1", "/d/a/2"]) == [("a/2", "b/1"), ("b/1", "a/2")]
    found = order_of(4, 6, list("abcd"), list("abdc"))
    assert (found.trials, found.files, found.moved, found.start) == ([4, 6], 4, 2, 2)


def test_a_file_in_a_folder_of_a_new_name_is_known_by_its_own_name():
    assert rows(["/tmp/x1/a", "/tmp/x1/b"], ["/tmp/x2/b", "/tmp/x2/a"]) == [("a", "b"), ("b", "a")]


def test_a_name_that_the_same_files_have_is_not_taken_twice():
    one, other = ["/data/a", "/tmp/x1/a", "/data/b"], ["/data/a", "/data/b", "/tmp/x2/a"]
    assert order_of(1, 2, one, other) is None
