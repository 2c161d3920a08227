"""Windows, as far as Linux can play it: a different name of the platform, and no modules that only POSIX has.

The other tests run under Linux, and nobody has tried samebits under Windows or macOS.
"""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

RECORDS = Path(__file__).resolve().parents[1] / "records" / "a4ee9f7.tar.gz"
# the standard library imports its own modules first: it knows which platform it was built for
WINDOWS = """
import sys, sysconfig
import asyncio, multiprocessing, sqlite3, subprocess, tempfile, urllib.request
import click, jinja2, numpy, platformdirs, pydantic, rich.console, xxhash

sysconfig.get_config_vars()
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None
sys.platform = "win32"

from samebits import cli

for words in sys.argv[1:]:
    print(words, "gives", cli.main(words.split(" ")), flush=True)
"""


@pytest.fixture
def under_windows(tmp_path):
    """Function(command lines) -> what was printed and said under Windows, in a folder with the records of an earlier version."""

    def run(*lines):
        command = [sys.executable, "-c", WINDOWS, *lines]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Traceback" not in done.stderr
        return done.stdout, done.stderr

    with tarfile.open(RECORDS) as records:
        records.extractall(tmp_path, filter="data")
    return run


def test_the_record_of_a_check_is_read_where_no_trial_can_run(under_windows, tmp_path):
    printed, said = under_windows("report one --html page.html --md page.md --junit page.xml")
    assert said == ""
    assert printed.endswith(" gives 3\n")  # the record has one trial
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_commands_that_run_trials_say_that_they_cannot(under_windows):
    lines = [
        f"{command} train.py" for command in ("check", "record", "why", "explain", "ops", "vary", "parity train b.py")
    ]
    printed, said = under_windows(*lines, "locate diverged", "fix diverged", "study lenet5", "slurm -- sbatch job.sh")
    assert {line.rpartition(" ")[2] for line in printed.splitlines()} == {"2"}
    sentence = "samebits: Windows is not supported: samebits runs trials under Linux only.\n   do this  under Windows, use WSL 2.\n"
    assert said == sentence * len(printed.splitlines())


def test_commands_that_need_a_module_of_posix_say_which(under_windows):
    printed, said = under_windows("env list", "data get mnist", "parity init", "report diverged")
    assert {line.rpartition(" ")[2] for line in printed.splitlines()} == {"2"}
    sentence = "samebits: this command needs Python's own module fcntl, which is not there.\n   do this  under Windows, use WSL 2.\n"
    assert said == sentence * len(printed.splitlines())
