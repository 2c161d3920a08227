"""`samebits clean` removes old records, and `samebits list records` shows them."""

import pytest

from samebits.cli import main
from samebits.launch.files import custody


@pytest.fixture
def records(tmp_path, monkeypatch, writing):
    """Three records, the oldest first."""
    monkeypatch.chdir(tmp_path)
    places = [tmp_path / ".samebits" / f"2026010{day}-000000-train" for day in (1, 2, 3)]
    for place in places:
        writing.record(place, [writing.training(), writing.training()])
    return places


def test_the_latest_records_stay(records, capsys):
    assert main(["clean", "--keep", "1"]) == 0
    assert capsys.readouterr().out.startswith("2 records removed, ")
    assert [place.exists() for place in records] == [False, False, True]


def test_nothing_is_removed_if_there_are_no_more_records(records, capsys):
    assert main(["clean", "--keep", "3"]) == 0
    assert capsys.readouterr().out == "0 records removed, 0 bytes freed.\n"
    assert all(place.exists() for place in records)


def test_without_a_number_nothing_is_removed(records, capsys):
    assert main(["clean"]) == 2
    assert "samebits clean --keep 3" in capsys.readouterr().err
    assert all(place.exists() for place in records)


def test_a_record_with_a_file_of_a_user_stays(records, capsys):
    (records[0] / "notes.md").write_text("mine")
    assert main(["clean", "--keep", "0"]) == 0
    assert "notes.md" in capsys.readouterr().err
    assert [place.exists() for place in records] == [True, False, False]


def test_a_record_in_use_stays(records, capsys, monkeypatch):
    def busy(folder):
        raise custody.RecordBusy("in use")

    monkeypatch.setattr(custody, "hold", busy)
    assert main(["clean", "--keep", "2"]) == 0
    assert "in use" in capsys.readouterr().err
    assert all(place.exists() for place in records)


def test_the_list_names_the_latest_record_first_with_its_size(records, capsys):
    assert main(["list", "records"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [str(p.relative_to(p.parents[1])) for p in reversed(records)]
    assert all("kB" in line for line in lines)


def test_a_folder_without_records_has_an_empty_list(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["list", "records"]) == 0
    assert main(["list"]) == 0
