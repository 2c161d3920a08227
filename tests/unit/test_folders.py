"""What of a working folder is copied and looked through: never a record, which holds copies of earlier ones."""

import json

import pytest

from samebits.launch.files import folders
from samebits.launch.trial import artifacts, isolation

OURS = json.dumps({"format": 1, "samebits": "0.1.0"}, indent=1)
RECORDS = {"check": "record.json", "vary": "vary.json", "killed-vary": "base/record.json", "study": "study.json"}


@pytest.fixture(params=RECORDS)
def working(request, tmp_path):
    """A working folder with a program, a data set and a record of one kind."""
    folder = tmp_path / "work"
    document = folder / "rec" / request.param / RECORDS[request.param]
    document.parent.mkdir(parents=True)
    document.write_text(OURS)
    (folder / "rec" / request.param / "model.pt").write_bytes(b"old")
    (folder / "data").mkdir()
    (folder / "data" / "set.pt").write_bytes(b"1")
    return folder


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_record_is_neither_copied_nor_linked(working, tmp_path):
    assert isolation.make_working_folder(working, tmp_path / "copy", without=tmp_path / "none")
    assert names(tmp_path / "copy") == ["data/set.pt"]
    assert not any(path.is_symlink() for path in (tmp_path / "copy").rglob("*"))


def test_a_record_is_not_looked_through(working):
    assert list(folders.snapshot(working).files) == [working / "data" / "set.pt"]


def test_a_pattern_of_artifacts_does_not_match_in_a_record_but_in_the_trials_own_folder(working):
    out = working / "rec" / "new" / "trials" / "001" / "out"
    out.mkdir(parents=True)
    (working / "rec" / "new" / "record.json").write_text(OURS)
    (out / "own.pt").write_bytes(b"2")
    found = artifacts.matches("**/*.pt", working, out)
    assert found == [working / "data" / "set.pt", out / "own.pt"]


def test_documents_of_others_with_the_same_names_make_no_record(tmp_path):
    (tmp_path / "work" / "mine").mkdir(parents=True)
    for name in ("record.json", "study.json", "vary.json"):
        (tmp_path / "work" / "mine" / name).write_text('{"patients": 12}')
    isolation.make_working_folder(tmp_path / "work", tmp_path / "copy", without=tmp_path / "none")
    assert names(tmp_path / "copy") == ["mine/record.json", "mine/study.json", "mine/vary.json"]
    assert len(folders.snapshot(tmp_path / "work").files) == 3
