"""A trial that reads what an earlier one had written did not start from the same place."""

import sys
from pathlib import Path

import pytest

from samebits.check import check, record
from samebits.launch import folders
from samebits.launch.leaks import Leaks
from samebits.launch.plan import Request
from samebits.model import Options
from samebits.store import open_record

SAMPLES = Path(__file__).parent.parent / "samples"
TRIALS = 3  # what `ask` asks for where nothing else is said


def leaks_of(folder):
    return [[(leak.path, leak.written_by) for leak in trial.file.leaks] for trial in open_record(folder).trials]


def test_a_trial_that_resumes_from_an_earlier_one_makes_the_check_inconclusive(ask, tmp_path):
    result = check(ask("resumes_from_checkpoint.py"))
    assert result.verdict == "inconclusive"
    assert "had written" in result.reason
    assert "{out}" in result.advice
    assert leaks_of(tmp_path / "record") == [[], [("checkpoint.txt", 1)], [("checkpoint.txt", 2)]]


def test_with_a_folder_of_its_own_the_same_program_repeats(ask, tmp_path):
    assert check(ask("resumes_from_checkpoint.py", "{out}")).verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[], [], []]


def test_isolated_trials_do_not_resume_from_each_other(ask, tmp_path):
    assert check(ask("resumes_from_checkpoint.py", isolate=True)).verdict == "repeated"


def test_isolated_trials_leave_the_users_own_files_alone(ask, tmp_path):
    record(ask("resumes_from_checkpoint.py", out="first"))
    (own,) = (tmp_path / "work").glob("checkpoint*")
    before = own.read_bytes()
    assert check(ask("resumes_from_checkpoint.py", isolate=True)).verdict == "repeated"
    assert own.read_bytes() == before


def test_a_reader_in_another_language_is_noticed(ask, tmp_path):
    assert check(ask("reads_through_another_program.py")).verdict == "inconclusive"
    assert leaks_of(tmp_path / "record")[1] == [("state.txt", 1)]


def test_a_file_that_a_trial_writes_before_it_reads_it_is_its_own(ask, tmp_path):
    assert check(ask("reads_its_own_file.py")).verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[], [], []]


def test_a_leak_from_an_earlier_round_counts_too(ask, tmp_path):
    (tmp_path / "work" / "train.py").write_text(
        "import os\nfrom samebits_probe import observe\n"
        "known = os.path.exists('warm.txt') and open('warm.txt').read()\n"
        "open('warm.txt', 'w').write('1')\n"
        "for step in range(30):\n"
        "    observe('loss', 1.0, step=step); observe('weights', 1.0, step=step)\n"
    )
    command = [sys.executable, "train.py"]
    request = Request(command=command, directory=tmp_path / "work", out=tmp_path / "record", options=Options(trials=2))
    result = check(request)
    assert result.verdict == "repeated"
    assert leaks_of(tmp_path / "record") == [[("warm.txt", 2)], [("warm.txt", 1)]]
    assert any("warm.txt" in warning for warning in result.warnings)


def test_every_leak_keeps_what_the_file_held(ask, tmp_path):
    check(ask("resumes_from_checkpoint.py"))
    contents = [leak.content for trial in open_record(tmp_path / "record").trials for leak in trial.file.leaks]
    assert len(set(contents)) == 2
    assert all(len(content) == 32 for content in contents)


NEVER = ["__pycache__/a.cpython-311.pyc", "data/MNIST/raw/train-images", "record/trials/001/x"]
ALWAYS = ["checkpoint.pt", "MNIST/checkpoint.pt", "MNIST/runs/raw", "a.pyc.pt"]


@pytest.mark.parametrize("path", NEVER)
def test_bytecode_data_sets_and_the_record_never_count(tmp_path, path):
    leaks = Leaks(tmp_path, tmp_path / "record")
    assert not leaks.counts(tmp_path / path)


@pytest.mark.parametrize("path", ALWAYS)
def test_what_a_program_keeps_counts_whatever_its_folder_is_called(tmp_path, path):
    assert Leaks(tmp_path, tmp_path / "record").counts(tmp_path / path)


def test_caches_of_models_and_data_sets_never_count(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    leaks = Leaks(tmp_path, tmp_path / "record")
    assert not leaks.counts(tmp_path / "hf" / "model.safetensors")
    assert not leaks.counts(Path("~/.keras/datasets/mnist.npz").expanduser())


def test_side_by_side_the_probe_tells_who_reads(ask, tmp_path):
    result = check(ask("resumes_from_checkpoint.py", trials=4, jobs=2))
    assert result.verdict == "inconclusive"
    assert any("side by side" in warning and "checkpoint.txt" in warning for warning in result.warnings)


def test_side_by_side_with_folders_of_their_own_nothing_is_noted(ask, tmp_path):
    result = check(ask("resumes_from_checkpoint.py", "{out}", trials=4, jobs=2))
    assert result.verdict == "repeated"
    assert not any("side by side" in warning for warning in result.warnings)


def test_a_record_of_another_check_in_the_working_folder_is_left_alone(tmp_path):
    (tmp_path / "other" / "trials" / "001").mkdir(parents=True)
    (tmp_path / "other" / folders.MARK).write_text(folders.MARKED)
    (tmp_path / "other" / "trials" / "001" / "trace.bin").write_bytes(b"1")
    (tmp_path / "model.pt").write_bytes(b"2")
    assert list(folders.snapshot(tmp_path).files) == [tmp_path / "model.pt"]
