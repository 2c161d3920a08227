"""The patterns that an advice names match the files of the next run, too, whose names may hold a time or an id."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.comparison.evidence.entries import LeftEntries
from samebits.comparison.files.file_names import in_each_run, pattern_of
from samebits.model import FilesFile, TrialFile
from samebits.names import matches_any
from samebits.store.trace import TrialTrace

NAMES = st.text("abxyz", min_size=1, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("runs/95b8752b-3133-46f3-bb77-d6b373d48ccd/model.json", "runs/*/model.json"),
        ("runs/20261201-102045/model.pt", "runs/*/model.pt"),
        ("runs/20261129-145301/model.pt", "runs/20261129-145301/model.pt"),
        ("{out}/last/strings.bin", "{out}/last/strings.bin"),
        ("out/acc0.91.pt", "out/acc0.91.pt"),
    ],
)
def test_a_moment_of_the_trial_or_an_id_in_a_path_is_a_star(path, pattern):
    begin = datetime.datetime(2026, 12, 1, 10, 20, 30, tzinfo=datetime.timezone.utc).timestamp()
    file = TrialFile(id=1, status="complete", started="", seconds=60.0)
    trial = TrialTrace(file, FilesFile(span=[begin, begin + 60]), [])
    assert in_each_run(path, LeftEntries(trial)) == pattern


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
