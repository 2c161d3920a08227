"""The patches of `samebits fix` for notebooks: which cell gets which line, and what is said if there is no patch."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import patched

from samebits.documents import Explanation, Fix
from samebits.patches.notebook_source import NotebookSource
from samebits.patches.notebooks import in_cells, notebook_at, notebook_of
from samebits.patches.patch import Patch, patch_for
from samebits.patches.program import Draw, LineChange, Look, Program
from samebits.patches.proposal import FixDocuments
from samebits.patches.report import report
from samebits.patches.source import TextEdit
from samebits.reports.presenters import terminal

COMMAND = ["papermill", "train.ipynb", "{out}/train.ipynb"]
SEED = "np.random.seed(2019)"


def written(path, cells, **dump):
    """Write a notebook of these cells; a text that begins with # is no code. Return its text."""
    found = [{"cell_type": "markdown" if text.startswith("#") else "code", "metadata": {}, "source": text.splitlines(True)}
             for text in cells]  # fmt: skip
    text = json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, **(dump or {"indent": 1}))
    path.write_text(text + "\n")
    return text + "\n"


def shown_by_kernel(text):
    """A cell as a kernel keeps it."""
    manager = pytest.importorskip("IPython.core.inputtransformer2").TransformerManager()
    return manager.transform_cell(text)


def looked(cells, *draws):
    """What a trial ran, all lines of these cells. `draws`: (generator, number of the cell, the line that it shows)."""
    texts = {Path(f"/tmp/ipykernel_7/{number}.py"): shown_by_kernel(text) for number, text in enumerate(cells, 1)
             if not text.startswith("#")}  # fmt: skip
    found = Look(cells=texts, lines={path: set(range(1, text.count("\n") + 1)) for path, text in texts.items()})
    for generator, number, line in draws:
        found.draws.append(Draw(generator, ((Path(f"/tmp/ipykernel_7/{number}.py"), line),)))
    return found


@pytest.fixture
def program(tmp_path):
    """Function(cells, *draws) -> Program of a notebook of which every line ran."""

    def make(cells, *draws, packages=(), **dump):
        written(tmp_path / "train.ipynb", cells, **dump)
        found = in_cells(looked(cells, *draws), notebook_at(tmp_path / "train.ipynb", tmp_path))
        return Program(found, tmp_path, 2019, dict.fromkeys(packages, "3.5"))

    return make


def sources(text):
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


# -- where the lines go -----------------------------------------------------------------------------------------------


def test_a_seed_stands_after_the_imports_of_a_cell_and_before_the_cell_that_draws(program):
    cells = ["# Data", "%load_ext autoreload\nimport numpy as np\nn = 3", "x = np.random.rand(n)"]
    assert sources(patched(program(cells, ("numpy", 3, 1)), "numpy-seed"))[1:] == [
        f"%load_ext autoreload\nimport numpy as np\n{SEED}\nn = 3", cells[2]]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "draw", "wanted"),
    [
        (["import numpy as np", "x = np.random.rand(3)"], (2, 1), [f"import numpy as np\n{SEED}", None]),
        (["import numpy as np\nx = np.random.rand(3)"], (1, 2), [f"import numpy as np\n{SEED}\nx = np.random.rand(3)"]),
        (["%%time\nimport numpy as np\nx = np.random.rand(3)"], (1, 1),
         [f"%%time\nimport numpy as np\n{SEED}\nx = np.random.rand(3)"]),
        (["%%bash\nls", "import numpy as np", "%%timeit\nnp.random.rand(3)"], (3, 1), [None, f"import numpy as np\n{SEED}", None]),
        (["import numpy as np", "%time x = np.random.rand(3)"], (2, 1), [f"import numpy as np\n{SEED}", None]),
        (["\n\nimport numpy as np\n\n", "\n\nx = np.random.rand(3)"], (2, 1), [f"\n\nimport numpy as np\n{SEED}\n\n", None]),
        (["!ls \\\n -l", "x = draw()"], (2, 1), ["import numpy\nnumpy.random.seed(2019)\n!ls \\\n -l", None]),
        (["%%bash\nls", "x = draw()"], (2, 1), [None, "import numpy\nnumpy.random.seed(2019)\nx = draw()"]),
        (["%%time\nx = draw()"], (1, 1), ["%%time\nimport numpy\nnumpy.random.seed(2019)\nx = draw()"]),
    ],
)  # fmt: skip
def test_a_seed_stands_before_the_first_draw_whatever_cells_there_are(program, cells, draw, wanted):
    found = sources(patched(program(cells, ("numpy", *draw)), "numpy-seed"))
    assert found == [old if new is None else new for old, new in zip(cells, wanted, strict=True)]


def test_an_import_of_keras_never_stands_before_a_magic_that_chooses_its_backend(program):
    cells = ["import os\n%env KERAS_BACKEND=jax", "import model\nmodel.fit()"]
    found = sources(patched(program(cells, ("python", 2, 2), packages=["keras"]), "tf-seed"))
    assert found == [cells[0], "import model\nimport keras\nkeras.utils.set_random_seed(2019)\nmodel.fit()"]


def test_sets_in_cells_are_sorted_where_they_are(program):
    cells = ["for one in {'a', 'b'}:\n    print(one)", "%%capture\nx = list(set(s))", "%%time\ny = tuple(set(s))",
             "%%bash\nls", "x = 1\n%time 3\n!echo '('\nif x:\n    files = !ls\ny = [*{'a', 'b'}]\nx?"]  # fmt: skip
    assert sources(patched(program(cells), "hash-seed")) == [
        "for one in sorted({'a', 'b'}):\n    print(one)", "%%capture\nx = list(sorted(set(s)))",
        "%%time\ny = tuple(sorted(set(s)))", cells[3], cells[4].replace("{'a', 'b'}", "sorted({'a', 'b'})")]  # fmt: skip


def test_a_cell_that_did_not_run_is_not_changed(program, tmp_path):
    cells = ["s = 1", "for one in {'a', 'b'}:\n    print(one)"]
    written(tmp_path / "train.ipynb", cells)
    look = in_cells(looked(cells[:1]), notebook_at(tmp_path / "train.ipynb", tmp_path))
    assert patch_for(Program(look, tmp_path, 2019, {}), ["hash-seed"]) == (None, ["hash-seed"])


def test_files_of_the_library_that_runs_the_notebook_are_not_changed(tmp_path):
    cells = ["import own"]
    written(tmp_path / "train.ipynb", cells)
    look = looked(cells)
    others = [tmp_path / "own.py", Path("/v/site-packages/papermill/__main__.py"), Path("/v/bin/papermill")]
    look.lines.update({path: {1} for path in others})
    look.main = others[1]
    found = in_cells(look, notebook_at(tmp_path / "train.ipynb", tmp_path))
    assert found.main == tmp_path / "train.ipynb"
    assert set(found.lines) == {tmp_path / "own.py", found.main}


def test_a_runner_of_a_notebook_that_the_command_does_not_name_gets_no_seed():
    look = looked(["x = draw()"], ("numpy", 1, 1))
    look.main = Path("/w/runner.py")
    assert in_cells(look, None).main is None
    look.draws.clear()
    assert in_cells(look, None).main == look.main  # a cell that draws nothing says nothing


# -- the patch as a file ----------------------------------------------------------------------------------------------

DUMPS = [
    {"indent": 1},
    {"indent": 1, "ensure_ascii": False},
    {"indent": 4, "sort_keys": True},
    {"indent": "\t"},
    {"separators": (", ", ": ")},
]
CELLS = ["# Caf\u00e9", "import numpy as np", "x = '\u00e9'\ny = np.random.rand(3)", "np.random.seed(7)\nz = 1"]


@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize("command", [["git", "apply"], ["patch", "-p1", "-i"]], ids=["git", "patch"])
def test_git_and_patch_take_the_patch_and_nothing_else_changes(program, tmp_path, command, dump):
    made = program(CELLS, ("numpy", 3, 2), **dump)
    path = tmp_path / "train.ipynb"
    patch, _ = patch_for(made, ["numpy-seed"])
    ((old, new),) = patch.contents.values()
    assert path.read_bytes() == old
    (tmp_path / "fix.patch").write_text(patch.diff(made))
    subprocess.run([*command, "fix.patch"], cwd=tmp_path, check=True, capture_output=True)
    assert path.read_bytes() == new
    known = json.loads(new)
    assert known["cells"][1].pop("source") == ["import numpy as np\n", SEED]
    known["cells"][1]["source"] = ["import numpy as np"]
    assert (json.dumps(known, **dump) + "\n").encode() == old
    assert patch.number == 1


@pytest.mark.parametrize("source", ["import x", "import x\n", ["import x"], ["import ", "x\n"], [], ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_source_keeps_its_form(tmp_path, source, end):
    path, cell = tmp_path / "train.ipynb", {"cell_type": "code", "source": source}
    known = {"nbformat": 4, "cells": [cell, {"cell_type": "code", "source": "print(1)"}]}
    path.write_bytes(json.dumps(known, indent=2).replace("\n", end).encode())
    notebook = NotebookSource.read(path)
    at = notebook.start_of(2)
    patch = Patch((LineChange("python-seed", notebook, TextEdit(at, at, "x.seed(1)\n"), ""),))
    ((_, new),) = patch.contents.values()
    cells = json.loads(new)["cells"]
    was = "".join(source)
    assert "".join(cells[0]["source"]) == (f"{was}x.seed(1)\n" if was.endswith("\n") else f"{was}\nx.seed(1)")
    assert (type(cells[0]["source"]), cells[1]) == (type(source), known["cells"][1])
    assert new.count(b"\r\n") == (new.count(b"\n") if end == "\r\n" else 0)


# -- what is said -----------------------------------------------------------------------------------------------------


@pytest.fixture
def documents(tmp_path):
    """FixDocuments of a record of a notebook, seeded by numpy."""
    lines = ["import numpy", "numpy.random.seed(2019)"]
    fixes = [Fix(control="numpy-seed", library="", where="after the imports", lines=lines)]
    why = Explanation(cause=["numpy-seed"], minimal_controls=[], evidence=[], sentence="", fixes=fixes)
    files = {word: "digest" for word in COMMAND}
    trial = SimpleNamespace(file=SimpleNamespace(code={"files": files}), files=SimpleNamespace(files=[]))
    file = SimpleNamespace(command=COMMAND, directory=str(tmp_path), seed=None)
    result = SimpleNamespace(setup=SimpleNamespace(python="/bin/python", packages={}))
    record = SimpleNamespace(file=file, folder=tmp_path / "record", trials=[trial])
    return FixDocuments(record, result, why, None)


def said(found):
    return " ".join(terminal.render(report(found)).split())


def proposed(documents, cells, *draws):
    """The document of fix after a trial that ran these cells."""
    look, folder = looked(cells, *draws), Path(documents.record.file.directory)
    notebook = notebook_of(documents.record, look)
    return replace(documents, notebook=notebook).proposed(Program(in_cells(look, notebook), folder, 2019, {})).document


def test_the_cells_that_draw_and_that_change_are_named(documents, tmp_path):
    written(tmp_path / "train.ipynb", CELLS)
    found = proposed(documents, CELLS, ("numpy", 3, 2))
    assert (found.outcome, found.verdict) == ("proposed", None)
    assert [(one.cell, one.line) for one in found.changes] == [(2, 2)]
    text = said(found)
    assert "draws numpy first at train.ipynb, cell 3, line 2 y = np.random.rand(3)" in text
    assert "where train.ipynb, cell 2, line 2 seeds before the first draw (numpy-seed)" in text
    assert f'+ "{SEED}"' in text
    assert "if train.ipynb is open in Jupyter, reload it before you save it, or the patch is lost" in text


def test_a_notebook_in_one_line_is_cut_on_the_screen_only(documents, tmp_path):
    cells = ["# " + "x" * 9000, *CELLS]
    written(tmp_path / "train.ipynb", cells, separators=(",", ":"))
    found = proposed(documents, cells, ("numpy", 4, 2))
    shown = terminal.render(report(found)).splitlines()
    assert max(map(len, shown)) < 500
    assert max(map(len, found.patch.splitlines())) > 9000


def test_a_first_draw_in_a_cell_of_a_different_language_says_where_the_lines_go(documents, tmp_path):
    cells = ["%%timeit\nimport numpy\nnumpy.random.rand(3)", "x = 1"]
    written(tmp_path / "train.ipynb", cells)
    found = proposed(documents, cells, ("numpy", 1, 1))
    assert (found.outcome, found.verdict) == ("nothing", "inconclusive")
    assert "NO PATCH: samebits cannot change train.ipynb: put the lines for numpy-seed in by hand." in said(found)
    assert "its lines go into a new cell before cell 1 of train.ipynb: that cell is not Python" in said(found)
    assert "numpy.random.seed(2019)" in said(found)


def test_a_notebook_whose_cells_did_not_run_says_where_the_lines_go(documents, tmp_path):
    written(tmp_path / "train.ipynb", CELLS)
    text = said(proposed(documents, ["y = draw()"], ("numpy", 1, 1)))
    assert "its lines go into a cell of train.ipynb that runs after the imports and before the first draw" in text


def test_a_notebook_that_the_command_writes_is_not_changed(documents, tmp_path):
    written(tmp_path / "train.ipynb", CELLS)
    documents.record.trials[0].files.files = [SimpleNamespace(path="./train.ipynb")]
    documents.record.file.options = SimpleNamespace(isolate=False)
    found = proposed(documents, CELLS, ("numpy", 3, 2))
    assert (found.patch, found.draws[0].cell) == ("", 3)
    assert "the command writes train.ipynb itself, so it would overwrite the patch" in said(found)
    documents.record.file.options.isolate = True  # then each trial writes into its own copy
    assert proposed(documents, CELLS, ("numpy", 3, 2)).patch


def test_of_two_notebooks_in_the_command_the_one_that_is_not_written_is_the_program(documents, tmp_path):
    documents.record.file.command = ["jupyter", "nbconvert", "--execute", "--output", "out.ipynb", "train.ipynb"]
    for name in ("out.ipynb", "train.ipynb"):
        written(tmp_path / name, CELLS)
    documents.record.trials[0].files.files = [SimpleNamespace(path="out.ipynb")]
    assert notebook_of(documents.record, looked(CELLS)).name == "train.ipynb"


def test_of_two_notebooks_that_ran_the_first_that_drew_is_the_program(documents, tmp_path):
    documents.record.file.command = ["jupyter", "execute", "data.ipynb", "train.ipynb"]
    written(tmp_path / "data.ipynb", ["# no cell of it draws", "x = 1"])
    written(tmp_path / "train.ipynb", ["x = draw()"])
    assert notebook_of(documents.record, looked(["x = draw()", "x = 1"], ("numpy", 1, 1))).name == "train.ipynb"


def test_a_notebook_that_the_command_does_not_name_is_found_if_its_cells_ran(documents, tmp_path):
    documents.record.file.command = ["bash", "run.sh"]
    for name, cells in (("data.ipynb", ["x = 2"]), ("train.ipynb", CELLS)):
        written(tmp_path / name, cells)
    look = looked(CELLS)
    for kind, name in (
        ("opened", "data.ipynb"),
        ("opened", "train.ipynb"),
        ("wrote", "out.ipynb"),
        ("opened", "a.csv"),
    ):
        look.take({"event": kind, "path": str(tmp_path / name)})
    assert (len(look.opened), look.wrote) == (2, {tmp_path / "out.ipynb"})
    assert notebook_of(documents.record, look).name == "train.ipynb"
    assert notebook_of(documents.record, looked(CELLS)) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"nbformat": 4}', '{"nbformat": 4, "cells": [1]}', "[" * 100_000, '{"nbformat": 3, "worksheets": []}',
     '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', '\ufeff{"nbformat": 4, "cells": []}',
     '{"nbformat": 4, "cells": [{"cell_type": "code", "metadata": 3, "source": ""}]}'],
)  # fmt: skip
def test_a_damaged_notebook_has_no_patch(documents, tmp_path, text):
    (tmp_path / "train.ipynb").write_text(text)
    found = proposed(documents, ["y = 1"])
    assert found.patch == ""
    assert "train.ipynb is not a notebook of format 4: open it in Jupyter and save it" in said(found)
