"""Notebooks by content: what their cells gave, without random ids and bars."""

import json

import pytest
from saved_parts import digests

from samebits.store.artifacts import contents


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


RESULT = {"output_type": "execute_result", "data": {"text/plain": ["0.5"]}, "execution_count": 1, "metadata": {}}


@pytest.fixture
def notebook(read_file):
    """Function(path, *outputs) -> a notebook of one cell, read."""

    def written(path, *outputs, cell="328cf8e1", **metadata):
        cells = [{"cell_type": "code", "id": cell, "source": ["x"], "outputs": list(outputs)}]
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}))
        return read_file(path)

    return written


def test_random_ids_of_the_cells_of_a_notebook_are_ids(tmp_path, notebook):
    a, b = (notebook(tmp_path / "a.ipynb", RESULT, cell=cell) for cell in ("328cf8e1", "hello"))
    assert digests(a) == digests(b)
    assert "cells.0.id" not in a.parts


@pytest.mark.parametrize(
    "pieces",
    [
        [printed(["a\n", "b\n"]), printed(["c\n"])],
        [printed("a\nb"), printed("\nc\n")],
        [printed("a\n"), printed("w\n", "stderr"), printed("b\nc\n")],
    ],
)
def test_what_a_cell_prints_is_the_same_in_any_pieces(tmp_path, pieces, notebook):
    errors = [printed("w\n", "stderr")] if len(pieces) == 3 else []
    whole = notebook(tmp_path / "a.ipynb", printed("a\nb\nc\n"), *errors)
    assert digests(notebook(tmp_path / "a.ipynb", *pieces)) == digests(whole)


def test_a_bar_in_a_notebook_is_what_it_shows_in_the_end(tmp_path, notebook):
    bars = [printed(f"\r{' 50%|#####     | 5/10 ' * n}\r100%|##########| 10/10\n", "stderr") for n in (1, 3)]
    one, two = (notebook(tmp_path / "a.ipynb", bar) for bar in bars)
    assert digests(one) == digests(two)


def test_what_a_cell_prints_and_gives_is_compared(tmp_path, notebook):
    other = {**RESULT, "execution_count": 2}
    one = notebook(tmp_path / "a.ipynb", printed("loss 0.1\n"), RESULT, other)
    for outputs in (
        (printed("loss 0.2\n"), RESULT, other),
        (printed("loss 0.1\n"), other, RESULT),
        (printed("loss 0.1\n"), RESULT),
    ):
        assert digests(notebook(tmp_path / "a.ipynb", *outputs)) != digests(one)


def test_widgets_of_a_notebook_have_random_ids(tmp_path, notebook):
    def with_widget(key):
        data = {"application/vnd.jupyter.widget-view+json": {"model_id": key, "version_major": 2}}
        shown = {"output_type": "display_data", "data": data, "metadata": {}}
        return notebook(tmp_path / "a.ipynb", shown, widgets={"state": {key: {"value": 3}}})

    assert digests(with_widget("0a1b")) == digests(with_widget("9f8e"))


def test_json_that_is_no_notebook_is_read_as_json_or_by_its_bytes(tmp_path):
    for text, kind in (("[]", "json"), ('{"a": 1}', "json"), ('{"cells": [3]}', "bytes"), ('{"cells": 3}', "bytes")):
        (tmp_path / "a.ipynb").write_text(text)
        assert contents(tmp_path / "a.ipynb").format == kind


def test_an_id_in_a_file_that_is_no_notebook_is_compared(tmp_path, read_file):
    found = []
    for number in "12":
        (tmp_path / "a.json").write_text(json.dumps({"cells": [{"id": f"cell-{number}", "outputs": {}}]}))
        found.append(digests(read_file(tmp_path / "a.json")))
    assert found[0] != found[1]
