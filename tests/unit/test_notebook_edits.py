"""Edits of the cells of a notebook: in its file, only the sources of the changed cells differ, byte by byte."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.patches.magics import plain
from samebits.patches.notebook_source import NotebookSource, cells_of
from samebits.patches.source import TextEdit

LINES = ["import random\n", "x = '\u00e9\U0001f600'\n", "%load_ext autoreload\n", "\n", "f(1,\n", "  2)\n", "!echo (\n",
         "y = \"\"\"a\\n\n", "z = \"\\\\\"\"\"\"\n", "# \u2028\x0c\n", "cd ..\n", "%%bash\n", "x = 1\r\n", "\ud800\n"]  # fmt: skip
DUMPS = [{"indent": 1}, {}, {"separators": (",", ":")}, {"indent": 4, "sort_keys": True}, {"indent": "\t"}]


@st.composite
def cells(draw):
    """A cell whose source is a string, a list of lines, or a list of any pieces."""
    text = "".join(draw(st.lists(st.sampled_from(LINES), max_size=5)))
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    at = draw(st.integers(0, len(text)))
    pieces = [one for one in (text[:at], text[at:]) if one]
    source = draw(st.sampled_from([text, text.splitlines(keepends=True), pieces]))
    kind = draw(st.sampled_from(["code", "code", "code", "markdown"]))
    tags = draw(st.sampled_from([{}, {"tags": ["skip-execution"]}, {"source": "x", "cells": [1]}]))
    cell = {"cell_type": kind, "metadata": tags, "source": source}
    return {**cell, "outputs": [{"source": ["import os"]}], "execution_count": None} if kind == "code" else cell


@st.composite
def notebooks(draw):
    """The text of a notebook."""
    known = {
        "cells": draw(st.lists(cells(), min_size=1, max_size=4)),
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    ascii_only = draw(st.booleans()) or "\ud800" in json.dumps(known, ensure_ascii=False)
    text = json.dumps(known, ensure_ascii=ascii_only, **draw(st.sampled_from(DUMPS)))
    text += draw(st.sampled_from(["", "\n", " \n\n"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def of(text):
    return NotebookSource.of(Path("train.ipynb"), text)


def without_sources(text, numbers):
    """The text of a notebook, cut at the sources of these cells."""
    pieces, end = [], 0
    for cell in cells_of(text):
        if cell.number in numbers:
            pieces.append(text[end : cell.value[0]])
            end = cell.value[1]
    return [*pieces, text[end:]]


@given(notebooks(), st.data())
def test_a_new_line_changes_nothing_but_the_source_of_its_cell(text, data):
    notebook = of(text)
    own = [cell for cell in notebook.cells if cell.plain.is_python]
    if not own:
        return
    cell = data.draw(st.sampled_from(own))
    ends = [place + 1 for place, one in enumerate(cell.section) if one == "\n"]
    at = data.draw(st.sampled_from([0, *ends]))
    line = data.draw(st.sampled_from(["random.seed(2019)\n", "t = 'd\u00e9j\u00e0 vu'\n"]))
    new = notebook.edited([TextEdit(cell.start + at, cell.start + at, line)])
    assert without_sources(text, {cell.number}) == without_sources(new, {cell.number})
    old_cells, new_cells = json.loads(text)["cells"], json.loads(new)["cells"]
    source, changed = (some[cell.number - 1].pop("source") for some in (old_cells, new_cells))
    assert old_cells == new_cells
    assert type(source) is type(changed)
    was, now = "".join(source), "".join(changed)
    is_open = not was.endswith("\n")
    assert now == ((was + "\n" * is_open)[:at] + line + (was + "\n" * is_open)[at:])[: -1 if is_open else None]
    assert text.isascii() == new.isascii() or not text.isascii()
    if isinstance(source, list):  # each string that the list had is still there, but the last may get a line feed
        left = [one.removesuffix("\n") for one in changed]
        assert all(one.removesuffix("\n") in left for one in source if one and "".join(source[:-1]).endswith("\n"))


@given(notebooks(), st.data())
def test_lines_that_are_inserted_and_removed_again_leave_the_same_bytes(text, data):
    notebook = of(text)
    own = [cell for cell in notebook.cells if cell.plain.is_python and cell.section.strip()]
    if not own:
        return
    at = data.draw(st.sampled_from(own)).start
    new = notebook.edited([TextEdit(at, at, "random.seed(2019)\n")])
    assert of(new).edited([TextEdit(at, at + len("random.seed(2019)\n"), "")]) == text


@given(notebooks())
def test_the_lines_of_all_cells_are_those_of_the_syntax_tree(text):
    notebook = of(text)
    assert notebook.edited([]) == text
    for statement in notebook.tree.body:
        cell = notebook.cell_at(statement.lineno)
        assert statement.lineno in cell.lines
        assert statement.end_lineno in cell.lines


@given(notebooks())
def test_nbformat_reads_what_is_left(text):
    nbformat = pytest.importorskip("nbformat")
    notebook = of(text)
    edits = [TextEdit(cell.start, cell.start, "seed()\n") for cell in notebook.cells if cell.plain.is_python]
    if "\\ud800" in text:
        return
    found = nbformat.reads(notebook.edited(edits), as_version=4)
    assert sum(cell.source.startswith("seed()\n") or cell.source == "seed()" for cell in found.cells) >= len(edits)


def test_characters_keep_their_escapes():
    text = '{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a = \\"\\u00e9\\/\\ud83d\\ude00\\"\\n", "b = 1"]}]}'
    notebook = of(text)
    at = notebook.text.index("=")
    assert notebook.edited([TextEdit(at, at, "+")]) == text.replace("a =", "a +=")


def test_a_list_of_one_line_gets_a_line_below_it_in_the_same_form():
    text = '{\n "cells": [{"cell_type": "code", "source": [\n    "import x"\n   ]}], "nbformat": 4}'
    notebook = of(text)
    end = len("import x\n")
    wanted = text.replace('"import x"', '"import x\\n",\n    "x.seed(1)"')
    assert notebook.edited([TextEdit(end, end, "x.seed(1)\n")]) == wanted


def test_a_cell_whose_only_line_goes_is_empty():
    text = '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [\n "seed(1)"\n ]}]}'
    new = of(text).edited([TextEdit(0, len("seed(1)\n"), "")])
    assert json.loads(new)["cells"][0]["source"] == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"nbformat": 4}', '{"nbformat": 4, "cells": 3}', '{"nbformat": 4, "cells": [1]}', "[" * 100_000,
     '{"nbformat": 3, "worksheets": []}', '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}',
     '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [3]}]}', '\ufeff{"nbformat": 4, "cells": []}',
     '{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
     '{"nbformat": 4, "cells": [{"cell_type": "code", "metadata": 3, "source": ""}]}'],
)  # fmt: skip
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        of(text)


def test_of_two_keys_with_one_name_the_last_counts_as_in_python():
    text = '{"nbformat": 4, "cells": [], "cells": [{"cell_type": "code", "source": "a", "source": "b"}]}'
    assert of(text).edited([TextEdit(0, 1, "c")]) == text.replace('"b"', '"c"')


# -- what only IPython understands ------------------------------------------------------------------------------------

CELLS = [
    '%load_ext autoreload\nimport os\nfiles = !ls \\\n  -l\ntook=%time 3\n?os\nos.path?\n/f x\nif 1:\n    !echo "it\'s ("\n'
    "    %env A=b\ns = '''\n%no\n'''\nz = (1\n % 2)\nprint('?')",
    "\n\n%%time\nimport os\ny = 1",
    "%%bash\necho 'hi",
    "%%capture out\n%%time\nimport os\nprint(1)\n",
    "%%writefile -a helper.py\nx = 1\n",
    "x = 1;  # what?\n# is it?\ny = 2",
    "%%time?\n",
    "a = 1\r\nb = 1\r\n",
    "await f()\nasync with g() as x:\n    pass",
    "@decorated\ndef f(): return f'{1!r:>{2}}'\nx = {\n  'a': [1,\n%time y\n]}",
]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_shown_by_the_kernel_as_expected(cell):
    """In as many lines, and with the same text unless it is for IPython."""
    manager = pytest.importorskip("IPython.core.inputtransformer2").TransformerManager()
    shown, found = manager.transform_cell(cell).splitlines(), plain(cell)
    if found.call is not None:
        assert shown == [found.call.text]
        return
    assert len(shown) == len(found.shown)
    pairs = list(zip(found.shown, shown, strict=True))
    assert all(one.is_shown_as(line) for one, line in pairs)
    assert [one.is_magic for one, _ in pairs] == ["get_ipython()" in line or line == "f(x)" for _, line in pairs]


def test_lines_of_ipython_become_statements_on_the_same_lines():
    found = plain(CELLS[0])
    assert found.is_python
    assert found.text.count("\n") == CELLS[0].count("\n")
    assert found.text.splitlines()[:5] == ["0", "import os", "files = 0", "", "took=0"]
    assert "    os.environ['_'] = 0\ns = '''\n%no\n'''\n" in found.text


@pytest.mark.parametrize(
    ("cell", "text"),
    [("%%bash\necho 'hi", "_\n"), ("\n%%html\n<b>\n", "\n_\n\n"), ("cd ..", "_"), ("  x = 1\n  y = 2", "_\n"),
     ("x = 1\ry = 2", "_"), ("%%time\n%%bash\nls", "_\n\n"), ("x = (", "_"), ("x = '\ud800'", "_")],
)  # fmt: skip
def test_a_cell_that_is_not_python_is_one_statement(cell, text):
    assert (plain(cell).is_python, plain(cell).text) == (False, text)
