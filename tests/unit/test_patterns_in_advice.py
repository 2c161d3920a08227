"""The patterns that an advice names match the files of the next run, too, whose names may hold a time or an id."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.comparison.file_names import in_each_run, pattern_of
from samebits.names import matches_any

NAMES = st.text("abxyz", min_size=1, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("runs/95b8752b-3133-46f3-bb77-d6b373d48ccd/model.json", "runs/*/model.json"),
        ("runs/20261129-145301/model.pt", "runs/*/model.pt"),
        ("{out}/last/strings.bin", "{out}/last/strings.bin"),
        ("/far/checkpoint-1000/model.bin", "/far/checkpoint-1000/model.bin"),
        ("out/acc0.91.pt", "out/acc0.91.pt"),
    ],
)
def test_a_time_or_an_id_in_a_path_is_a_star(path, pattern):
    assert in_each_run(path) == pattern
    assert pattern_of([path], []) == pattern


@pytest.mark.parametrize(
    ("trials", "pattern"),
    [
        ([["out/m.pt"], ["out/m.pt"]], "out/m.pt"),
        ([["out/dog.pt"], ["out/cat.pt"]], "out/*.pt"),
        ([["r-dog/m.pt"], ["r-cat/m.pt", "n.csv"]], "*/m.pt"),
        ([["out/m.pt", "out/n.pt"], ["out/m.pt", "out/n.pt"]], "out/*.pt"),
        ([["m"], ["n"]], "*"),
        ([["out/best/m.bin", "out/last/m.bin", "out/m.cfg"], ["out/best/m.bin", "out/last/m.bin"]], "out/**"),
        ([["r-dog/a/m.pt", "r-dog/b/m.pt"], ["r-cat/a/m.pt", "r-cat/b/m.pt"]], "*/**"),
        ([["out/m.pt", "log/m.txt"], ["out/m.pt"]], "out/m.pt"),
    ],
)
def test_a_name_that_a_different_trial_does_not_have_is_a_star(trials, pattern):
    first, *others = trials
    assert pattern_of(first, others) == pattern


@given(st.lists(PATHS, min_size=1, max_size=4), st.lists(st.lists(PATHS, max_size=3), max_size=3))
def test_the_pattern_matches_the_file_it_was_made_for(paths, others):
    assert matches_any(paths[0], [pattern_of(paths, others)])


@given(st.lists(NAMES, min_size=1, max_size=2), st.lists(st.uuids(), min_size=3, max_size=3, unique=True))
def test_the_pattern_matches_the_file_of_the_next_run_in_a_folder_with_an_id(names, ids):
    first, second, third = ("/".join(["runs", str(uuid.UUID(int=one.int)), *names]) for one in ids)
    assert matches_any(third, [pattern_of([first], [[second]])])
