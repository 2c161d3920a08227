"""The names of the latest records: `last`, `last-1` and so on."""

import pytest

from samebits.cli import latest, main
from samebits.errors import NotFoundError, UsageError

NAMES = ["20260102-000000-b", "20260102-000000-b-2", "20260102-000000-b-10", "20260103-000000-a"]


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Four records, made in the order of NAMES, beside folders that are no records of a check."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / ".samebits" / name).mkdir(parents=True)
        (tmp_path / ".samebits" / name / "record.json").write_text("{}")
    (tmp_path / ".samebits" / "20260104-000000-empty").mkdir()
    (tmp_path / ".samebits" / "20260105-000000-vary").mkdir()
    (tmp_path / ".samebits" / "20260105-000000-vary" / "vary.json").write_text("{}")
    return tmp_path / ".samebits"


def test_the_newest_record_is_the_last_one_and_is_named(records, capsys):
    found = [latest.named(name) for name in ("last", "last-1", "last-2", "last-3")]
    assert found == [f".samebits/{name}" for name in reversed(NAMES)]
    assert capsys.readouterr().err.startswith("samebits: last is .samebits/20260103-000000-a\n")


def test_a_report_can_also_show_the_last_vary(records):
    assert latest.named("last", latest.READABLE) == ".samebits/20260105-000000-vary"


def test_there_is_no_record_before_the_first_one(records, capsys):
    with pytest.raises(NotFoundError, match="this folder has 4 records"):
        latest.named("last-4")
    assert main(["report", "last-6"]) == 2
    assert "There is no record last-6" in capsys.readouterr().err


def test_a_path_that_exists_and_other_words_stay_as_they_are(records):
    (records.parent / "last").mkdir()
    for word in ("last", "lastly", "last-", "train.py", "some/folder"):
        assert latest.named(word) == word


def test_without_words_a_command_takes_the_latest_record(records):
    assert latest.record_or_training([], "explain") == (".samebits/20260103-000000-a",)
    assert latest.record_or_training(["last-1"], "explain") == (".samebits/20260102-000000-b-10",)
    assert latest.record_or_training(["python", "last"], "explain") == ("python", "last")


@pytest.mark.parametrize("command", ["explain", "locate", "why"])
def test_without_a_record_a_command_needs_a_training(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no command to run"):
        latest.record_or_training([], command)
    assert main([command]) == 2
    assert f"samebits {command} -- python train.py" in capsys.readouterr().err
