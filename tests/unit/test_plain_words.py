"""A plain `samebits check` is read without click, and as click reads it."""

import subprocess
import sys

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits import cli
from samebits.cli import check_command, plain_words
from samebits.cli.checks import CHECK
from samebits.errors import UsageError
from samebits.interrupt import StopSignal
from samebits.options import OPTIONS

FLAGS = sorted({flag for option in OPTIONS["check"] for flag in option.flags})
VALUES = (
    "3",
    "1",
    "-1",
    "0",
    "auto",
    "1h",
    "a",
    "a,b",
    "x=1",
    "loss=(.*)",
    "",
    "-",
    "--",
    "train.py",
    "python",
    "\udc80",
)
WORDS = st.lists(st.sampled_from([*FLAGS, *VALUES, "-n3", "--trials=3", "--tri", "-m", "-h", "--help"]), max_size=6)
OPTION = st.sampled_from(
    [("-n", "3"), ("--overwrite",), ("--seed", "7"), ("--out", "a"), ("--ignore", "*.log"), ("--strict",)]
)
PLAIN = st.tuples(st.lists(OPTION, max_size=3), st.sampled_from(["--", "train.py", "python"]), WORDS).map(
    lambda parts: [*(word for option in parts[0] for word in option), parts[1], *parts[2]]
)


def of_click(words):
    try:
        return CHECK.make_context("check", list(words)).params
    except (click.ClickException, click.exceptions.Exit):
        return None


@settings(deadline=None, max_examples=200)
@given(PLAIN | WORDS)
def test_words_are_read_as_click_reads_them(words):
    given_words = plain_words.read(["check", *words])
    if given_words is not None:
        assert given_words == of_click(words)


@pytest.mark.parametrize(
    "words",
    [
        ["--", "python", "train.py"],
        ["train.py", "--lr", "0.1", "-n", "3"],
        ["-n", "3", "--overwrite", "--ignore", "a", "--ignore", "b", "--json", "result.json", "--", "./train", "--"],
    ],
)
def test_usual_words_need_no_click(words):
    assert plain_words.read(["check", *words]) == of_click(words) is not None


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "-n", "3"],
        ["check", "--help"],
        ["check", "-n", "x", "train.py"],
        ["record", "train.py"],
        [],
    ],
)
def test_click_reads_everything_else(words):
    assert plain_words.read(words) is None


def test_click_reads_the_words_that_a_shell_completes(monkeypatch):
    monkeypatch.setenv("_SAMEBITS_COMPLETE", "bash_complete")
    assert plain_words.read(["check", "train.py"]) is None


def test_a_plain_check_imports_no_click_before_its_first_trial():
    code = "import sys; from samebits.cli import main; main(['check', '--out', '/dev/null/x', '--', 'true'])\n"
    code += "import samebits.checks, samebits.cli.progress; print('click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, "samebits: " in done.stderr or "--out" in done.stderr) == ("False\n", True)


def test_an_error_of_a_plain_check_is_said(monkeypatch, capsys):
    def refuse(**_):
        raise UsageError("There is no such place.", "name a different one.")

    monkeypatch.setattr(check_command, "run_check", refuse)
    assert cli.main(["check", "--", "true"]) == 2
    assert "There is no such place." in capsys.readouterr().err


def test_what_stops_a_plain_check_begins_on_a_new_line(monkeypatch, capsys):
    def stop(**_):
        raise StopSignal

    monkeypatch.setattr(check_command, "run_check", stop)
    assert cli.main(["check", "--", "true"]) == StopSignal().status
    assert capsys.readouterr().err.startswith("\n")
