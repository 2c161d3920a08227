"""What fix says of a notebook, for which it makes no patch."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from samebits.documents import Explanation, Fix
from samebits.patches.look import Draw, Look
from samebits.patches.notebooks import notebook_of
from samebits.patches.program import Program
from samebits.patches.proposal import FixDocuments
from samebits.patches.report import report
from samebits.reports.presenters import terminal

CELLS = [("markdown", "draws\nx = random.random()"), ("code", ["import random\n", "seen = 1"]),
         ("code", "y = 1\nx = random.random()")]  # fmt: skip
COMMAND = ["papermill", "train.ipynb", "{out}/train.ipynb"]
DRAW = Draw("python", ((Path("/tmp/ipykernel_1/2.py"), 2),), text="x = random.random()")


def written(path, cells):
    path.write_text(json.dumps({"cells": [{"cell_type": kind, "source": source} for kind, source in cells]}))


@pytest.fixture
def documents(tmp_path):
    written(tmp_path / "train.ipynb", CELLS)
    lines = ["import random", "random.seed(2019)"]
    fixes = [Fix(control="python-seed", library="", where="after the imports", lines=lines)]
    why = Explanation(cause=["python-seed"], minimal_controls=[], evidence=[], sentence="", fixes=fixes)
    file = SimpleNamespace(command=COMMAND, directory=str(tmp_path), seed=None)
    result = SimpleNamespace(setup=SimpleNamespace(python="/bin/python", packages={}))
    return FixDocuments(SimpleNamespace(file=file, folder=tmp_path / "record"), result, why, None)


def test_the_cell_that_draws_first_is_named_and_where_the_lines_go(documents, tmp_path):
    found = documents.proposed(Program(Look(draws=[DRAW]), tmp_path, 2019, {})).document
    assert (found.outcome, found.verdict) == ("nothing", "inconclusive")
    text = terminal.render(report(found))
    assert "NO PATCH: samebits changes source files only: put the lines for python-seed in by hand." in text
    assert "draws  python first at train.ipynb, cell 3, line 2   x = random.random()" in text
    assert "its lines go into a cell of train.ipynb that runs after the imports and before the first draw" in text
    assert "random.seed(2019)" in text


def test_a_line_that_two_cells_hold_names_no_cell(tmp_path):
    written(tmp_path / "train.ipynb", [*CELLS, CELLS[-1]])
    assert notebook_of(COMMAND, tmp_path).cell_of(DRAW) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [1]}', '{"cells": [{"cell_type": "code", "source": 3}]}'])
def test_a_damaged_notebook_is_none(tmp_path, text):
    (tmp_path / "train.ipynb").write_text(text)
    found = notebook_of(COMMAND, tmp_path)
    assert found is None or found.cells == ()
