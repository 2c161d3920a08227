"""The process of a command ends at once, but as any Python process does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys, threading, time
from samebits import cli
def run(arguments=None):
    atexit.register(print, "at exit")
    threading.Timer(0.1, print, ["thread"]).start()
    sys.stdout.write("answer\\n")
    return 3
cli.main = run
%s
cli.program()
"""


def ended(code, **streams):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run([sys.executable, "-c", PROGRAM % code], env=buffered, text=True, timeout=60, **streams)


def test_a_command_ends_after_its_threads_and_its_exit_functions_with_its_status():
    done = ended("", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (3, "answer\nthread\nat exit\n")


POOL = """
from concurrent.futures import ThreadPoolExecutor
pool, first = ThreadPoolExecutor(1), run
def run(arguments=None):
    return pool.submit(first).result()
cli.main = run
"""


def test_an_executor_that_nobody_has_shut_down_ends_with_the_command():
    done = ended(POOL, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (3, "answer\nthread\nat exit\n")


OBSERVERS = [
    "sys.setprofile(lambda *_: None)",
    "import types; sys.monitoring = types.SimpleNamespace(get_tool=lambda number: number == 2)",
]


@pytest.mark.parametrize("observer", OBSERVERS)
def test_a_profiler_sees_the_end_of_a_command(observer):
    code = f"{observer}\ntry: cli.program()\nfinally: print('seen')"
    assert ended(code, stdout=subprocess.PIPE).stdout.splitlines()[:2] == ["answer", "seen"]


def test_an_answer_that_cannot_be_written_is_reported():
    with Path("/dev/full").open("w") as full:
        done = ended("", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 120
    assert "No space left on device" in done.stderr
