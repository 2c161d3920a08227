"""The folder of a record: held by one samebits, replaced only where all in it is samebits' own, links never followed."""

import json
import os
import subprocess
import sys

import pytest

from samebits.errors import RecordBusy, RecordError, RecordExists
from samebits.launch.files import custody, folders
from samebits.launch.plan import Request, make_record_folder
from samebits.store import open_record, write_document

TREASURE = "the only copy"


@pytest.fixture
def record(writing, tmp_path):
    return writing.record(tmp_path / "record", [writing.training(), writing.training()])


@pytest.fixture
def treasure(tmp_path):
    """A file of the user, outside of the record."""
    path = tmp_path / "mine" / "thesis.tex"
    path.parent.mkdir()
    path.write_text(TREASURE)
    return path


def replaced(folder):
    """Replace a record; whether it was replaced."""
    try:
        custody.make(folder, overwrite=True)
    except RecordExists:
        return False
    return [path.name for path in folder.iterdir()] == [folders.MARK]


def test_a_record_is_replaced(record):
    assert replaced(record)


def test_a_record_that_holds_every_kind_of_file_is_replaced(record):
    trial = record / "trials" / "001"
    for name in ("out/deep/model.pt", "work/train.py", "processes/1-2/tensors.bin", "probe-failed-7.txt"):
        (trial / name).parent.mkdir(parents=True, exist_ok=True)
        (trial / name).write_bytes(b"1")
    (trial / "out" / "link").symlink_to(record.parent)
    (trial / "out" / "pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(trial / "out" / "pipe")
    for name in ("record.json.part", "result.json", "locate.json", "explain/001/record.json", ".new-003/out/x",
                 "probe/sitecustomize.py", "probe/samebits_probe/__pycache__/wire.cpython-311.pyc", "bin/python3"):  # fmt: skip
        (record / name).parent.mkdir(parents=True, exist_ok=True)
        (record / name).write_text((record / "record.json").read_text())
    assert replaced(record)


def test_the_files_as_they_were_before_a_fix_that_was_killed_are_not_removed(record):
    """They may be the only ones that are whole; --restore needs them, and removes them."""
    copy = record / "fix-copies" / ("0" * 32)
    copy.parent.mkdir()
    copy.write_text(TREASURE)
    assert list(custody.foreign(record)) == []
    with pytest.raises(RecordExists, match="before a samebits fix --apply that was killed") as said:
        custody.make(record, overwrite=True)
    assert said.value.advice == f"samebits fix --restore {record}"
    assert copy.read_text() == TREASURE
    copy.with_name("thesis.tex").write_text(TREASURE)
    assert list(custody.foreign(record)) == [copy.with_name("thesis.tex")]


FOREIGN = [
    "notes.md", "record.json.orig", "trials/notes.md", "trials/001/notes.md", "trials/001/model.pt", "data/set.csv",
    "trials/001/processes/notes.txt", "probe/mine.txt", ".git/config", "explain/notes.md", "trials/001/mine/x", "out/model.pt",
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_record_with_a_file_of_somebody_else_is_refused_and_left_alone(record, name):
    path = record / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TREASURE)
    before = sorted(record.rglob("*"))
    with pytest.raises(RecordExists, match="holds something that samebits did not write") as refused:
        custody.make(record, overwrite=True)
    assert str(record / name.partition("/")[0]) in refused.value.message
    assert sorted(record.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["trials", "trials/003", "trials/001/processes", "trials/001/notes", "result.json", "bin"]
)
def test_a_record_with_a_link_is_refused_and_what_the_link_leads_to_is_left_alone(record, treasure, name):
    path = record / name
    if path.is_dir():
        path.rename(treasure.parent / path.name)
        path.symlink_to(treasure.parent / path.name)
    else:
        path.symlink_to(treasure.parent)
    assert not replaced(record)
    assert treasure.read_text() == TREASURE


USERS = ['{"patients": 12}', '{"samebits": "notes on it"}', "", "not JSON", '[{"format": 1, "samebits": "0.1.0"}]']


@pytest.mark.parametrize("text", USERS)
@pytest.mark.parametrize("name", ["record.json", "vary.json", "study.json"])
def test_a_folder_that_merely_holds_a_file_of_that_name_is_never_replaced(tmp_path, name, text):
    (tmp_path / "mine" / "trials").mkdir(parents=True)
    (tmp_path / "mine" / name).write_text(text)
    assert not replaced(tmp_path / "mine")
    assert (tmp_path / "mine" / name).read_text() == text


def test_a_folder_of_the_user_with_a_copied_record_json_is_not_replaced(record, treasure):
    (treasure.parent / "record.json").write_bytes((record / "record.json").read_bytes())
    assert not replaced(treasure.parent)
    assert treasure.read_text() == TREASURE


@pytest.mark.parametrize("text", ["", "This fol", "This folder is a record of samebits 9"])
def test_a_folder_that_was_just_begun_when_samebits_was_killed_is_replaced(tmp_path, text):
    (tmp_path / "begun" / "probe" / "samebits_probe").mkdir(parents=True)
    (tmp_path / "begun" / folders.MARK).write_text(text)
    assert replaced(tmp_path / "begun")


HOLD = "import sys; from pathlib import Path; from samebits.launch.files import custody; c = custody.{}(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def other(record):
    """A different process that holds the record, until it is told to end."""
    words = [sys.executable, "-c", HOLD.format("hold"), str(record)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_record_in_which_a_different_samebits_works_is_refused(record, other):
    for take in (custody.hold, custody.resume, lambda folder: custody.make(folder, overwrite=True)):
        with pytest.raises(RecordBusy, match="in use"):
            take(record)
    assert len(open_record(record).trials) == 2


def test_a_record_is_not_copied_while_a_different_samebits_works_in_it(record, other):
    with pytest.raises(RecordBusy), custody.shared(record):
        pass


def test_two_may_copy_a_record_at_once(record):
    with custody.shared(record), custody.shared(record), pytest.raises(RecordBusy):
        custody.hold(record)


def test_a_process_that_is_killed_holds_no_record_any_more(record, other):
    other.kill()
    other.wait(30)
    assert replaced(record)


def test_one_process_may_hold_a_record_twice_and_gives_it_back_with_the_last_plan(record):
    first, second = custody.hold(record), custody.resume(record)
    assert first is second
    del first, second
    assert (
        subprocess.run([sys.executable, "-c", HOLD.format("hold"), record], input="", text=True, timeout=60).returncode
        == 0
    )


def test_two_checks_of_one_second_have_different_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    request = Request(command=["python", "train.py"], directory=tmp_path)
    held = [make_record_folder(request) for _ in range(3)]
    assert [one.folder.name for one in held] == [f"20260101-000000-train{end}" for end in ("", "-2", "-3")]


def test_a_default_folder_that_a_different_process_has_just_made_is_not_shared(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form: "20260101-000000")
    taken = tmp_path / ".samebits" / "20260101-000000-train"
    words = [sys.executable, "-c", HOLD.format("hold"), str(taken)]
    taken.mkdir(parents=True)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        monkeypatch.setattr("os.path.lexists", lambda path: False)  # looked at before that process made it
        held = make_record_folder(Request(command=["python", "train.py"], directory=tmp_path))
        process.kill()
    assert held.folder.name == "20260101-000000-train-2"


def test_a_trial_that_was_set_aside_when_samebits_was_killed_is_not_lost(record):
    (record / "trials" / "001").rename(record / ".old-001")
    assert [trial.id for trial in open_record(record).trials] == [1, 2]
    custody.resume(record)
    assert sorted(path.name for path in (record / "trials").iterdir()) == ["001", "002"]
    assert not (record / ".old-001").exists()


LINKS = ["record.json", "checksums.json", "trials", "trials/001", "trials/001/trial.json", "trials/001/processes"]
LINKS += ["trials/001/processes/*", "trials/001/processes/*/trace.bin", "trials/001/processes/*/points.jsonl"]


@pytest.mark.parametrize("name", LINKS)
def test_a_link_in_a_record_is_not_followed_when_it_is_read(record, tmp_path, name):
    (path,) = record.glob(name)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match=r"link|not a regular file"):
        assert open_record(record).trials


@pytest.mark.parametrize("name", ["record.json", "trials/001/trial.json", "trials/001/processes/*/trace.bin"])
def test_a_pipe_in_a_record_blocks_nobody(record, name):
    (path,) = record.glob(name)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RecordError):
        assert open_record(record).trials


def test_a_record_with_a_link_is_not_continued(record, treasure):
    (record / ".new-003").symlink_to(treasure.parent)
    with pytest.raises(RecordError, match="link"):
        custody.resume(record)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_document_is_not_written_through_a_link(record, treasure, link):
    link(treasure, record / "result.json.part")
    write_document(record / "result.json", {"a": 1})
    assert json.loads((record / "result.json").read_text()) == {"a": 1}
    assert treasure.read_text() == TREASURE
