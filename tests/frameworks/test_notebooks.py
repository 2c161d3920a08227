"""Notebooks: their kernels are seen to their last cell, however they are ended."""

import os
import sys
from pathlib import Path

import pytest

from samebits import cli

SAMPLE = Path(__file__).parent.parent / "samples" / "runs_a_notebook.py"
pytest.importorskip("nbclient", reason="nbclient runs the notebooks of these tests")
nbformat = pytest.importorskip("nbformat", reason="nbformat writes the notebooks of these tests")
pytest.importorskip("ipykernel", reason="ipykernel is the kernel of these tests")


def test_a_kernel_that_is_killed_has_an_end_after_its_last_cell(shared_run):
    trial = shared_run(sys.executable, SAMPLE, "immediate")
    assert (trial.exit_code, trial.only.failures) == (0, []), trial.stderr
    assert (trial.only.end["steps"], trial.only.end["reason"]) == (4, "cell")
    cells = [event for event in trial.only.events if event["event"] == "cell-runs"]
    assert [(cell["step"], cell["number"]) for cell in cells] == [(0, 1), (4, 2)]
    lines = [event for event in trial.only.events if event["event"] == "cell-line"]
    assert [(cell["number"], cell["line"]) for cell in lines] == [(1, 2)]


def test_draws_of_the_kernel_do_not_count_and_draws_of_a_cell_do(shared_run, watched_run):
    """IPython draws the tip of its banner: https://github.com/ipython/ipython/blob/main/IPython/core/tips.py"""
    kernels = shared_run(sys.executable, SAMPLE, "immediate")
    programs = watched_run(sys.executable, SAMPLE, "immediate", "print('done')", "import random; random.random()")
    untouched = [
        [event["generators"] for event in trial.only.events if event["event"] == "untouched"]
        for trial in (kernels, programs)
    ]
    assert ["python" in first for first, *_ in untouched] == [True, False]


@pytest.mark.parametrize(
    ("cell", "line"), [("\n\nx = 1\n1 / 0", 4), ("def f():\n    1 / 0\nf()", 3), ("%%time\n1 / 0", 0), ("1 /", 0)]
)
def test_a_cell_that_raises_is_told_with_its_line(watched_run, cell, line):
    trial = watched_run(sys.executable, SAMPLE, "immediate", cell)
    assert trial.exit_code != 0
    (raised,) = [event for event in trial.only.events if event["event"] == "cell-raised"]
    assert (raised["number"], raised["line"]) == (2, line)
    assert raised["text"].startswith("SyntaxError: " if cell == "1 /" else "ZeroDivisionError: division by zero")


def test_a_kernel_that_leaves_by_itself_has_the_same_records(shared_run):
    killed, graceful = (shared_run(sys.executable, SAMPLE, how) for how in ("immediate", "graceful"))
    assert [r[:4] for r in killed.only.rows] == [r[:4] for r in graceful.only.rows]


def test_a_kernel_that_dies_within_a_cell_has_no_end(watched_run):
    trial = watched_run(sys.executable, SAMPLE, "immediate", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert trial.exit_code != 0
    assert trial.only.end is None


MODEL = "import numpy\nW = numpy.arange(3.0)"


@pytest.mark.parametrize("how", ["immediate", "graceful"])
def test_what_the_globals_of_a_notebook_hold_is_seen_however_its_kernel_ends(watched_run, how):
    trial = watched_run(sys.executable, SAMPLE, how, MODEL)
    assert (trial.exit_code, trial.only.failures) == (0, []), trial.stderr
    assert trial.only.end["reason"] == {"immediate": "cell", "graceful": "shell"}[how]
    assert ("end", "globals W") in [row[1:3] for row in trial.only.rows]


def test_what_a_notebook_does_at_its_exit_is_in_its_end(watched_run):
    late = MODEL + "\nimport atexit\natexit.register(lambda: W.__setitem__(0, 7.0))"
    ends = [watched_run(sys.executable, SAMPLE, "graceful", cell).only.prints("end") for cell in (MODEL, late)]
    assert [[name for name, _ in end] for end in ends] == [["globals W"]] * 2
    assert ends[0] != ends[1]


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Function(text of each cell) -> (the exit status, the screen, the name of the record) of a check of the notebook.

    The program `jupyter` stands before this Python's own: not every environment has it beside its Python.
    """

    def check(*cells, command=("train.ipynb",)):
        (tmp_path / "jupyter").write_text(
            f'#!/bin/sh\nshift\nexec {sys.executable} -c "from nbclient.cli import main; main()" "$@"\n'
        )
        (tmp_path / "jupyter").chmod(0o755)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbformat.write(notebook, tmp_path / "train.ipynb")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        status = cli.main(["check", "-n", "2", *command])
        (record,) = (tmp_path / ".samebits").glob("*-*")
        return status, capsys.readouterr().out, record.name

    return check


def test_a_notebook_that_diverges_is_told_with_its_line_and_without_a_note_on_the_kernel(checked):
    loop = "for step in range(3):\n    observe('w', int.from_bytes(os.urandom(4), 'big'), step=step)"
    status, said, name = checked("import os\nfrom samebits_probe import observe", loop)
    assert (status, name.endswith("-train")) == (1, True)
    assert "where  In [2], line 2 > step 0 > " in said
    assert "Python's random" not in said


def test_a_notebook_that_raises_is_told_with_its_cell(checked):
    status, said, _ = checked("def f(x):\n    return 1 / x", "f(0)")
    assert status == 3
    assert "it said  In [2], line 1: ZeroDivisionError: division by zero" in said


STEPS = "from samebits_probe import observe\nfor step in range(3):\n    observe('weights', [1.0 * step], step=step)"


def test_what_a_cell_prints_is_compared(checked):
    status, said, _ = checked(STEPS, "import os\nprint('accuracy', 2**48 + int.from_bytes(os.urandom(6), 'big'))")
    assert status == 3, said
    assert "cells.1.outputs.0.text differs between trials" in said


def test_a_runner_that_saves_no_notebook_is_told(checked):
    status, said, _ = checked(STEPS, "print(1)", command=["jupyter", "execute", "train.ipynb"])
    assert status == 0, said
    assert "what the cells of the notebook printed was not compared" in said
