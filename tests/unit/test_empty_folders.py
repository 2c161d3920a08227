"""The empty folders that a trial leaves."""

import shutil

import pytest

from samebits.launch import folders
from samebits.launch.artifacts import FileRules, with_empty_folders
from samebits.launch.empty_folders import new_empty_folders
from samebits.model import FilesFile


def test_only_new_folders_that_hold_nothing_are_taken(tmp_path):
    (tmp_path / "old").mkdir()
    before = folders.snapshot(tmp_path)
    for name in ("new/acc_0.91", "full", ".git", "gone"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "full" / "a.txt").write_text("a")
    after = folders.snapshot(tmp_path)
    shutil.rmtree(tmp_path / "gone")
    assert new_empty_folders(before, after) == {tmp_path / "new" / "acc_0.91"}


def test_no_folder_is_new_if_there_were_too_many_files_to_list(tmp_path):
    (tmp_path / "old").mkdir()
    assert new_empty_folders(folders.Snapshot({}, is_whole=False), folders.snapshot(tmp_path)) == set()


def test_an_ignored_empty_folder_is_left_out_and_its_pattern_matches():
    found = FilesFile(ignores_without_match=["acc_*", "none"])
    left = with_empty_folders(found, ["b", "acc_1", "a"], FileRules(ignores=["acc_*", "none"]))
    assert (left.empty_folders, left.ignores_without_match) == (["a", "b"], ["none"])


@pytest.mark.parametrize(("form", "told"), [("out/{}", "out/*"), ("{}", "10000"), ("run_{}/a", "run_*/a")])
def test_empty_folders_beyond_the_limit_are_told_by_a_pattern(form, told):
    names = [form.format(f"{number:05d}") for number in range(10_002)]
    left = with_empty_folders(FilesFile(), names, FileRules())
    assert left.empty_folders == names[:10_000]
    assert [(file.path, file.error) for file in left.files] == [(told, "there are more than 10000 empty folders")]
    assert with_empty_folders(FilesFile(), names[:10_000], FileRules()).files == []
