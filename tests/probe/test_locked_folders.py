"""Folders that the user may not open: they were there before, or a trial has locked them."""

import os

import pytest

from samebits.checks import run
from samebits.launch.files import folders


@pytest.fixture
def locked(monkeypatch):
    """Function(folder, owner): from now on the folder is locked, also for the superuser, as if `owner` had done it."""

    def lock(folder, owner=None):
        def refused(original):
            def function(path=".", *args, **kwargs):
                where = os.fspath(path) if not isinstance(path, int) else ""
                if str(where).startswith(f"{folder}/") or (str(where) == str(folder) and original is scandir):
                    raise PermissionError(13, "Permission denied", str(where))
                return original(path, *args, **kwargs)

            return function

        scandir = os.scandir
        for name in ("stat", "lstat", "scandir", "open"):
            monkeypatch.setattr(os, name, refused(getattr(os, name)))
        monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(folder))
        if owner is not None:
            monkeypatch.setattr(os, "geteuid", lambda: owner)

    return lock


@pytest.mark.parametrize("isolate", [False, True])
def test_a_locked_folder_in_the_working_folder_is_left_alone(ask, tmp_path, locked, isolate):
    request = ask("trains.py", 3, trials=2, isolate=isolate)
    (tmp_path / "work" / "lost+found").mkdir()
    locked(tmp_path / "work" / "lost+found")
    assert run(request).result.verdict == "repeated"


def test_a_file_in_a_folder_that_a_trial_has_locked_is_missed(ask, tmp_path, locked):
    request = ask("locks_its_folder.py", trials=2)
    locked(tmp_path / "work" / "locked")
    result = run(request).result
    assert result.verdict == "inconclusive"
    assert "locked/scores.txt" in result.reason
    assert "Permission denied" in result.reason


def test_nothing_is_missed_in_a_locked_folder_of_a_different_user(tmp_path, locked):
    (tmp_path / "locked").mkdir()
    path = tmp_path / "locked" / "scores.txt"
    assert not folders.is_file(path)
    locked(tmp_path / "locked")
    assert folders.is_file(path)
    assert folders.is_there(path)
    locked(tmp_path / "locked", owner=os.geteuid() + 1)
    assert not folders.is_file(path)
    assert not folders.is_there(path)
