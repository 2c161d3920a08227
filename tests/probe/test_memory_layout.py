"""Where addresses are held, the probe takes the same memory in each trial, whatever earlier trials left behind."""

import sys
from dataclasses import replace

import pytest

from samebits.checks import run
from samebits.launch.processes.command import interpreter

TRIALS = 4


@pytest.mark.parametrize("release", ["3.6", "3.13", "of samebits"])
def test_the_probe_takes_the_same_memory_in_each_trial(release, pythons, ask, monkeypatch):
    """The first trial of a record finds no bytecode of the probe, if its Python may write it, and no names."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    python = sys.executable if release == "of samebits" else pythons.get(release)
    if python is None:
        pytest.skip(f"Python {release} was not found")
    asked = ask("counts_its_memory.py", ignores=["left-*"], controls=["aslr"])
    result = run(replace(asked, command=[python, *asked.command[1:]])).result
    assert result.verdict == "repeated", result.sentence
    assert len(result.trials) == TRIALS
    assert len(list(asked.directory.glob("left-*"))) == 1  # of the last trial


@pytest.mark.parametrize(
    ("line", "found"),
    [("#!/usr/bin/python3 -u", "/usr/bin/python3"), ("#!/usr/bin/env python3.11", "python3.11"), ("#!/bin/sh", None),
     ("#!/usr/bin/env -S A=1 python3 -u", "python3"), ("#!/usr/bin/env bash", None), ("#!/usr/bin/env", None), ("x", None)],
)  # fmt: skip
def test_the_python_of_a_script_is_read_from_its_first_line(line, found, tmp_path):
    script = tmp_path / "train"
    script.write_text(f"{line}\nprint()\n")
    assert interpreter(str(script)) == found
