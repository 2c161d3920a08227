"""Whose a record is: only the one who recorded it, on that machine and in that folder, runs its command unasked."""

import json
import shutil

import pytest

from samebits.cli import main
from samebits.errors import UntrustedRecord
from samebits.launch import origin
from samebits.store import open_record, seal_record


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A data folder of a user's own."""
    monkeypatch.setenv("SAMEBITS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def sign(folder):
    """Sign a record as check does."""
    record = open_record(folder)
    (folder / "record.json").write_text(origin.signed(record.file, folder, origin.code(folder)).model_dump_json())
    seal_record(folder)
    return open_record(folder)


@pytest.fixture
def record(writing, tmp_path):
    """A signed record whose command leaves a trace when it is run."""
    changed = writing.training(changes={(1, "batch", "0"): 7})
    command = ["touch", str(tmp_path / "was run")]
    folder = writing.record(
        tmp_path / "record", [writing.training(), changed], command=command, directory=str(tmp_path)
    )
    (folder / "probe").mkdir()
    (folder / "probe" / "sitecustomize.py").write_text("import samebits_probe")
    return sign(folder)


def edited(record, **fields):
    content = json.loads((record.folder / "record.json").read_text())
    (record.folder / "record.json").write_text(json.dumps({**content, **fields}))
    seal_record(record.folder)
    return open_record(record.folder)


def test_an_own_record_is_recognised(record):
    assert origin.is_own(record)


def test_a_record_from_before_jobs_could_be_auto_stays_the_users_own(record):
    options = {**json.loads((record.folder / "record.json").read_text())["options"], "jobs": 1}
    before = edited(record, options=options)  # earlier versions wrote 1, and left it out of the signature
    assert origin.is_own(before)
    assert not origin.is_own(edited(record, options={**options, "jobs": "auto"}))
    origin.require(record, run=False)


@pytest.mark.parametrize(
    "fields",
    [{"command": ["rm", "-rf", "/"]}, {"directory": "/"}, {"python": "/tmp/python"}, {"variables": {"LD_PRELOAD": "x"}},
     {"controls": ["threads"]}, {"signature": None}, {"signature": ""}, {"signature": "é" * 64}],
)  # fmt: skip
def test_an_edited_record_is_not_ones_own(record, fields):
    assert not origin.is_own(edited(record, **fields))


def test_a_copied_record_is_not_ones_own(record, tmp_path):
    assert not origin.is_own(open_record(shutil.copytree(record.folder, tmp_path / "copy")))


def test_a_record_whose_probe_was_changed_is_not_ones_own(record):
    (record.folder / "probe" / "sitecustomize.py").write_text("import os; os.system('true')")
    assert not origin.is_own(record)


def test_a_record_with_a_further_file_of_code_is_not_ones_own(record):
    (record.folder / "bin").mkdir()
    (record.folder / "bin" / "python").write_text("#!/bin/sh")
    assert not origin.is_own(record)


def test_a_record_of_a_different_user_is_not_ones_own(record, home):
    assert (home / origin.KEY).stat().st_mode & 0o777 == 0o600
    (home / origin.KEY).unlink()
    assert not origin.is_own(record)


def test_a_user_without_a_place_for_a_key_has_no_own_records(record, home, monkeypatch):
    monkeypatch.setenv("SAMEBITS_HOME", str(record.folder / "record.json" / "home"))
    assert origin.signed(record.file, record.folder, origin.code(record.folder)).signature is None
    assert not origin.is_own(record)


RUNNING = [["check", "--add", "2", "{record}"], ["explain", "{record}"], ["locate", "{record}"]]


@pytest.mark.parametrize("words", RUNNING, ids=lambda words: words[0])
def test_the_command_of_a_record_from_elsewhere_is_shown_and_not_run(record, tmp_path, capsys, words):
    edited(record, signature="0" * 64)
    assert main([word.format(record=record.folder) for word in words]) == 2
    said = capsys.readouterr().err
    assert f"touch '{tmp_path}/was run'" in said
    assert "--run" in said
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("words", [RUNNING[0], RUNNING[2]], ids=lambda words: words[0])
def test_the_command_of_a_record_from_elsewhere_runs_if_that_is_asked_for(record, tmp_path, capsys, words):
    edited(record, signature="0" * 64)
    main([words[0], "--run", *(word.format(record=record.folder) for word in words[1:])])
    assert (tmp_path / "was run").exists(), capsys.readouterr().err
    assert "import os" not in (record.folder / "probe" / "sitecustomize.py").read_text()[:9]


def test_what_is_shown_forges_no_line(record):
    changed = edited(record, command=["python", "x\nsamebits: all is well\x1b[2J"])
    with pytest.raises(UntrustedRecord) as refused:
        origin.require(changed, run=False)
    assert "\n" not in refused.value.message
    assert "\x1b" not in refused.value.message
