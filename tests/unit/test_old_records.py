"""Records that an earlier version made open in this one, for every command that reads a record."""

import json
import tarfile
from pathlib import Path

import pytest

from samebits import cli
from samebits.store.record import open_record

RECORDS = Path(__file__).resolve().parents[1] / "records" / "a4ee9f7.tar.gz"
STATUS = {"diverged": 1, "explained": 1, "one": 3, "ops": 3}


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(RECORDS) as archive:
        archive.extractall(folder, filter="data")
    return folder


def answer(words, capsys):
    """(exit status, standard output, standard error) of a command."""
    status = cli.main([str(word) for word in words])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return status, said.out, said.err


@pytest.mark.parametrize("name", STATUS)
def test_every_form_of_report_opens_an_old_record(old, name, tmp_path, capsys):
    targets = {flag: tmp_path / f"report.{flag}" for flag in ("json", "html", "md", "junit")}
    options = [word for flag, path in targets.items() for word in (f"--{flag}", path)]
    status, out, _ = answer(["report", *options, old / name], capsys)
    assert status == STATUS[name]
    assert out.strip()
    assert all(path.stat().st_size > 300 for path in targets.values())
    assert json.loads(targets["json"].read_text())["verdict"] == ("diverged" if status == 1 else "inconclusive")


def test_what_an_old_record_found_is_shown(old, capsys):
    _, out, _ = answer(["report", old / "diverged"], capsys)
    assert "2 trials, 2 models. They diverge at step 0." in out
    assert "step 0 > batch > 0" in out
    _, out, _ = answer(["report", old / "explained"], capsys)
    assert "numpy-seed" in out
    _, out, _ = answer(["report", old / "vary"], capsys)
    assert "INDEPENDENT" in out
    assert "hash-seed" in out


def test_the_effects_of_controls_are_told_from_the_sentences_of_an_old_record(old):
    record = open_record(old / "vary" / "hash-seed" / "1")
    events = [
        event for trial in record.trials for process in trial.processes for event in process.events_named("control")
    ]
    assert events
    assert {event["effect"] for event in events} <= {"held", "idle", "overruled", "undone", "unreadable"}
    assert "held" in {event["effect"] for event in events}


def test_an_old_record_is_compared_with_another_old_one(old, capsys):
    status, out, _ = answer(["compare", old / "diverged", old / "one"], capsys)
    assert (status, "3 trials, 3 models" in out) == (1, True)


@pytest.mark.parametrize("command", [["locate"], ["explain"], ["check", "--add", "1"]], ids=lambda words: words[0])
def test_a_command_that_would_run_an_old_record_from_elsewhere_says_how(old, command, capsys):
    status, _, err = answer([*command, old / "diverged"], capsys)
    assert status == 2
    assert "--run" in err
    assert "python train.py" in err


def test_new_trials_are_compared_with_an_old_record(old, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("pass")
    words = ["check", "-n", "3", "--out", tmp_path / "new", "--against", old / "one", "--", "python", "train.py"]
    status, out, _ = answer(words, capsys)
    assert status in (1, 3)
    assert out.strip()
