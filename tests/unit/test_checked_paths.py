"""Whether a program looks at names of earlier trials: a path that it checks again is noted once."""

import genericpath
import os
import types

import pytest

from samebits_probe import files


@pytest.fixture
def watched():
    """(the watching object, what it reported, a module that checks paths as genericpath does)."""
    reported = []
    found = files._Files(lambda event, path: reported.append((event, path)))
    module = types.ModuleType("checks_paths")
    module.os = os
    found.watch_stat(module)
    return found, reported, module


def tables(*paths):
    return [files.table_of_names(map(str, paths)), files.NO_NAMES]


def test_a_path_that_is_checked_again_is_noted_with_new_tables(watched, tmp_path):
    found, reported, module = watched
    for _ in range(3):
        module.os.stat(str(tmp_path))
    assert not reported
    found.look_for(tables(tmp_path))
    for _ in range(3):
        module.os.lstat(str(tmp_path))
    assert reported == [("asked", str(tmp_path))]


def test_a_relative_path_is_noted_in_each_folder(watched, tmp_path, monkeypatch):
    found, reported, module = watched
    (tmp_path / "left").mkdir()
    found.look_for(tables(tmp_path / "left"))
    (tmp_path / "left" / "left").mkdir()
    monkeypatch.chdir(tmp_path / "left")
    module.os.stat("left")
    assert not reported
    monkeypatch.chdir(tmp_path)
    module.os.stat("left")
    assert reported == [("asked", str(tmp_path / "left"))]


def test_the_noted_paths_do_not_grow_for_ever(watched, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_ASKED", 3)
    found, reported, module = watched
    found.look_for(tables(tmp_path / "9"))
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        module.os.stat(str(tmp_path / str(number)))
        assert len(found._checked) <= 3
    assert reported == [("asked", str(tmp_path / "9"))]


@pytest.mark.parametrize("path", ["missing", 10**6, b"missing", object(), ["missing"]])
def test_a_path_that_cannot_be_checked_raises_what_it_raises_unwatched(watched, path):
    _, reported, module = watched
    with pytest.raises((OSError, TypeError)) as unwatched:
        genericpath.os.stat(path)
    with pytest.raises(type(unwatched.value)) as seen:
        module.os.stat(path)
    assert str(seen.value) == str(unwatched.value)
    assert not reported
