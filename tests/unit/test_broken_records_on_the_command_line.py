"""Records with damage, given to `samebits report`: each ends with exit status 2 and a sentence that names the place."""

import json
import os
import shutil

import pytest

from samebits.cli import main


def _write(name, text):
    return lambda record: (record / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def _cut(name, share):
    return lambda record: os.truncate(record / name, int((record / name).stat().st_size * share))


def _flip(name, place):
    def damage(record):
        content = bytearray((record / name).read_bytes())
        content[int(len(content) * place)] ^= 4
        (record / name).write_bytes(bytes(content))

    return damage


def _remove(name):
    return lambda record: shutil.rmtree(record / name) if (record / name).is_dir() else (record / name).unlink()


def _change(**fields):
    def damage(record):
        document = json.loads((record / "record.json").read_text())
        (record / "checksums.json").unlink(missing_ok=True)
        (record / "record.json").write_text(json.dumps({**document, **fields}))

    return damage


ONE = "trials/001"
DAMAGES = {
    "record.json is missing": _remove("record.json"),
    "record.json is empty": _write("record.json", ""),
    "record.json is cut": _cut("record.json", 0.5),
    "record.json is bent": _flip("record.json", 0.3),
    "record.json is a list": _write("record.json", "[]"),
    "record.json is not UTF-8": _write("record.json", b"\xff\xfe{}"),
    "record.json is deep": _write("record.json", "[" * 100_000),
    "a newer format": _change(format=999),
    "a format of text": _change(format="one"),
    "no command": _change(command=None),
    "trials of text": _change(options={"trials": "many"}),
    "an unknown hash": _change(hash="md5"),
    "trial.json is missing": _remove(f"{ONE}/trial.json"),
    "trial.json is cut": _cut(f"{ONE}/trial.json", 0.7),
    "trial.json is bent": _flip(f"{ONE}/trial.json", 0.5),
    "files.json is bent": _flip(f"{ONE}/files.json", 0.9),
    "no trials": _remove("trials"),
}


def damaged_trials():
    """Damage to the files of the process of a trial: their folder has a name that is not known here."""
    for name in ("trace.bin", "points.jsonl", "scalars.bin", "process.json", "events.jsonl", "end.json"):
        for place in (0.1, 0.9):
            yield f"{name} is bent at {place}", name, place


def assert_refused(said, status, named):
    assert status == 2, said
    assert "Traceback" not in said.out + said.err
    assert "samebits-error-" not in said.err, said.err  # an error that was foreseen
    assert said.err.startswith("samebits: ")
    assert named in said.err
    assert said.out == ""


def test_there_are_at_least_fifteen():
    assert len(DAMAGES) + len(list(damaged_trials())) >= 15


@pytest.fixture
def record(writing, tmp_path):
    return writing.record(tmp_path / "record", [writing.training(), writing.training()])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_record_gets_a_sentence_and_exit_status_2(record, capsys, damage):
    DAMAGES[damage](record)
    status = main(["report", str(record)])
    assert_refused(capsys.readouterr(), status, "record")


@pytest.mark.parametrize(("name", "place"), [pytest.param(n, p, id=i) for i, n, p in damaged_trials()])
def test_a_bent_bit_in_a_trace_gets_a_sentence_and_exit_status_2(record, capsys, name, place):
    (path,) = record.glob(f"trials/001/processes/*/{name}")
    if not path.stat().st_size:
        path.write_bytes(b"\x00")
    _flip(path.relative_to(record), place)(record)
    status = main(["report", str(record)])
    assert_refused(capsys.readouterr(), status, name)


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
