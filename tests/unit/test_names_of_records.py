"""A record that is not where the command line says: a sentence, and a suggestion if there is one like it."""

import shutil

import pytest

from samebits.cli import main


@pytest.fixture
def record(writing, tmp_path):
    return writing.record(tmp_path / "record", [writing.training(), writing.training()])


@pytest.mark.parametrize(
    ("given", "meant"), [("recrod", "record"), ("./recordd", "record"), ("second-recrod", ".samebits/second-record")]
)
def test_a_wrong_name_of_a_record_gets_a_suggestion(record, tmp_path, monkeypatch, capsys, given, meant):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(record, ".samebits/second-record")
    assert main(["report", given]) == 2
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_a_name_like_no_record_gets_no_suggestion(record, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "nothing"]) == 2
    assert "Give the folder that a check wrote" in capsys.readouterr().err


def test_a_disk_that_fails_gives_no_suggestion_and_no_crash(record, tmp_path, monkeypatch, capsys):
    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pathlib.Path.glob", fails)
    assert main(["report", "recrod"]) == 2
    assert "Give the folder that a check wrote" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["recor\n", "[recor", "recor\x1b[31m"])
def test_a_suggestion_for_an_odd_name_is_one_line_that_can_be_printed(record, tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(record, tmp_path / f"{name}d")
    assert main(["report", name]) == 2
    said = capsys.readouterr().err
    assert "Did you mean" in said
    assert len(said.splitlines()) == 2
    assert "\x1b" not in said
