"""How trials end when they do not end well: each cleanly, with what was recorded still readable."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samebits.checks import record, run
from samebits.comparison.verdict.judgement import judge
from samebits.errors import SamebitsError
from samebits.experiment import Experiment
from samebits.launch.files import folders
from samebits.launch.files.custody import full_disk_said
from samebits.launch.plan import Request
from samebits.store import open_record, write_document

SAMPLES = Path(__file__).parent.parent / "samples"


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in (b"Z", b"X")


def wait_until(condition, seconds=60):
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_failed_first_trial_ends_the_check(ask):
    result = run(ask("exits_three.py", trials=5)).result
    assert result.verdict == "inconclusive"
    assert "3" in result.reason
    assert [(trial.status, trial.exit_code) for trial in result.trials] == [("failed", 3)]


def test_an_exit_status_that_is_a_good_end_is_one(ask):
    result = run(ask("exits_three.py", trials=2, ok_exit=3)).result
    assert [trial.status for trial in result.trials] == ["complete"] * 2
    assert result.verdict != "diverged"


def test_a_killed_trial_says_by_what_and_keeps_its_steps(ask, tmp_path):
    trial = record(ask("is_killed.py")).trial
    assert (trial.status, trial.signal) == ("killed", signal.SIGKILL)
    assert "SIGKILL" in trial.why
    assert open_record(tmp_path / "record").trials[0].observed[0].steps >= 2


def test_a_program_killed_below_a_shell_says_so(ask, tmp_path):
    request = ask("is_killed.py")
    command = ["sh", "-c", f"{sys.executable} {SAMPLES / 'is_killed.py'}; exit $?"]
    trial = record(Request(command=command, directory=request.directory, out=request.out)).trial
    assert trial.status == "failed"
    assert "SIGKILL" in trial.why


def test_a_trial_that_takes_too_long_is_ended_even_if_it_does_not_want_to(ask, processes_with, tmp_path, monkeypatch):
    monkeypatch.setattr("samebits.launch.trial.trial_run.GRACE", 0.3)
    trial = record(ask("ignores_sigterm.py", tmp_path, timeout=1.0)).trial
    assert trial.status == "timeout"
    assert not processes_with(tmp_path)


def test_a_trial_that_never_steps_is_not_run_five_times(ask):
    result = run(ask("never_steps.py", trials=5)).result
    assert result.verdict == "inconclusive"
    assert len(result.trials) == 1


def test_children_that_are_left_behind_are_named_and_ended(ask, tmp_path):
    trial = record(ask("leaves_children.py", tmp_path / "pid")).trial
    assert trial.status == "complete"
    assert ["leaves_children.py" in line for line in trial.children_left] == [True]
    wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())))


def test_a_stopped_trial_leaves_nothing_running(ask, processes_with, tmp_path):
    trial = record(ask("trains_slowly.py", 1000, 0.001, tmp_path, steps=5)).trial
    assert (trial.status, trial.stop_after) == ("stopped", 5)
    assert not processes_with(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_whatever_ends_samebits_ends_its_trials_and_leaves_a_record(tmp_path, processes_with, number):
    command = [sys.executable, str(SAMPLES / "trains_slowly.py"), "100000", "0.01"]
    words = [sys.executable, "-m", "samebits", "check", "--out", str(tmp_path / "record"), "--full", "--", *command]
    quiet, heard = subprocess.DEVNULL, subprocess.PIPE
    samebits = subprocess.Popen(words, cwd=tmp_path, stdout=quiet, stderr=heard, start_new_session=True)
    trial = tmp_path / "record/trials/001"
    wait_until(lambda: list(trial.glob("processes/*/trace.bin")))
    samebits.send_signal(number)
    _, said = samebits.communicate(timeout=60)
    assert samebits.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert b"Traceback" not in said
    wait_until(lambda: not processes_with(tmp_path))
    opened = open_record(tmp_path / "record")
    assert opened.trials[0].file.status == "killed"
    assert "samebits" in opened.trials[0].file.why
    assert opened.trials[0].observed[0].steps > 0
    if number != signal.SIGKILL:
        assert judge(opened.file, opened.trials).advice.startswith("Run the command again, with --overwrite")


def test_a_trial_that_is_interrupted_before_it_starts_leaves_a_record(ask, monkeypatch):
    """It has waited since an earlier round."""
    monkeypatch.setattr("samebits.launch.trial.pauses.grown", lambda paused, began, most: paused["steps"])
    request, snapshot = ask("trains_slowly.py", 40, 0, trials=2), folders.snapshot

    def seen(folder, **more):
        if json.loads((request.out / "record.json").read_text())["rounds"]:
            raise KeyboardInterrupt
        return snapshot(folder, **more)

    monkeypatch.setattr(folders, "snapshot", seen)
    with pytest.raises(KeyboardInterrupt):
        run(request)
    opened = open_record(request.out)
    assert [trial.file.status for trial in opened.trials] == ["stopped", "killed"]  # the last goes on first
    assert "samebits" in opened.trials[1].file.why


def test_a_record_whose_document_was_written_and_not_yet_sealed_can_be_read(ask, monkeypatch):
    request = ask("trains.py", 5, trials=2, full=True)
    run(request)

    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr("samebits.store.record.seal_record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Experiment.resume(open_record(request.out)).doubt("they diverged")
    assert open_record(request.out).file.doubt == "they diverged"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 2 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("a small disk takes the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # a failed test may hold a file in it


def test_a_full_disk_is_said_and_leaves_the_program_alone(ask, small_disk, tmp_path):
    request = ask("fills_the_disk.py", small_disk / "filler", tmp_path / "done")
    with pytest.raises(SamebitsError, match="disk is full"):
        record(Request(command=request.command, directory=request.directory, out=small_disk / "record"))
    (small_disk / "filler").unlink()
    trial = open_record(small_disk / "record").trials[0]
    assert trial.observed[0].steps >= 5
    assert trial.observed[0].end is None
    assert (tmp_path / "done").read_text() == "trained to the end"


def test_a_disk_that_is_full_before_the_first_trial_is_named(ask, small_disk):
    with (small_disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    request = ask("trains.py", 5)
    with pytest.raises(SamebitsError, match=f"disk is full: {small_disk / 'record'}"):
        record(Request(command=request.command, directory=request.directory, out=small_disk / "record"))
    (small_disk / "filler").unlink()
    again = Request(command=request.command, directory=request.directory, out=small_disk / "record", overwrite=True)
    assert record(again).trial.status == "complete"


def test_a_document_is_written_whole_or_not_at_all(small_disk):
    write_document(small_disk / "a.json", {"a": 1})
    with (small_disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(SamebitsError, match="disk is full"), full_disk_said(small_disk):
        write_document(small_disk / "a.json", {"a": "b" * 100_000})
    assert (small_disk / "a.json").read_text() == '{\n "a": 1\n}\n'
    assert sorted(path.name for path in small_disk.iterdir()) == ["a.json", "filler"]
