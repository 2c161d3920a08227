"""The command of a trial on this machine waits until the trial is prepared."""

import dataclasses
import os
import sys

import pytest

from samebits import clock
from samebits.checks import run
from samebits.launch.outside import Outside
from samebits.launch.processes.local import Job, LocalCommand, LocalLauncher, end_all, still_running


@pytest.fixture
def job(tmp_path):
    code = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    words = [sys.executable, "-c", code]
    return Job(sys.executable, words, tmp_path, os.environ, tmp_path / "stdout.txt", tmp_path / "stderr.txt")


def test_a_command_starts_only_after_go(job, tmp_path):
    command = LocalLauncher().start(job)
    command.go()
    while command.poll() is None:
        clock.sleep(60, command.handles)
    end_all(command, tmp_path / "processes")
    assert command.poll().code == 0
    assert (tmp_path / "ran").exists()


def test_a_command_that_is_closed_before_go_never_runs(job, tmp_path):
    LocalLauncher().start(job).close()
    assert list(tmp_path.iterdir()) == []


def test_a_supervisor_writes_no_bytecode(job):
    command = LocalLauncher().start(job)
    command.close()
    assert "-B" in command._process.args


def test_no_supervisor_is_left_if_a_trial_cannot_be_prepared(ask, monkeypatch):
    made, start = [], LocalCommand.__init__

    def begin(command, job):
        start(command, job)
        made.append(command)

    def fail(*_, **__):
        raise RuntimeError("the places around it cannot be read")

    monkeypatch.setattr(LocalCommand, "__init__", begin)
    monkeypatch.setattr(Outside, "begin", fail)
    with pytest.raises(RuntimeError, match="cannot be read"):
        run(ask("tells_where_it_runs.py", "{out}", "{trial}"))
    assert [command._process.returncode for command in made] == [0]


DAEMON = """
import os, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:  # its parent ends, so the supervisor adopts it
        os.write(writing, b"x")
        time.sleep(600)
    os._exit(0)
os.read(reading, 1)
"""


@pytest.mark.parametrize(("code", "is_left"), [("", False), (DAEMON, True)])
def test_a_command_that_has_ended_says_whether_something_still_runs_below_it(job, code, is_left):
    command = LocalLauncher().start(dataclasses.replace(job, command=[sys.executable, "-c", code]))
    command.go()
    while command.poll() is None:
        clock.sleep(60, command.handles)
    assert command.poll().left == is_left
    assert bool(still_running(command)) == is_left
    command.close()
    assert still_running(command) == []
