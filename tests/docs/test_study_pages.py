"""The study that the documentation adds is added, and run."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from samebits.errors import SamebitsError
from samebits.launch.progress import Progress
from samebits.study import catalog
from samebits.study.catalog import Scale, Study

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-study.md"
FILE = re.compile(r'```python title="([^"]+)"\n(.*?)```', re.DOTALL)


def test_the_study_that_the_page_adds_runs(tmp_path, monkeypatch):
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    from samebits import datasets
    from samebits.study import conducting

    try:
        digits = datasets.get("mnist")
    except SamebitsError as why:
        pytest.skip(f"MNIST cannot be had here: {why.message}")
    shown = dict(FILE.findall(PAGE.read_text()))
    (tmp_path / "perceptron_pytorch.py").write_text(shown["perceptron_pytorch.py"])
    entry = eval(shown["entry.py"], {"Study": Study, "Scale": Scale})  # noqa: S307 - the page's own words
    monkeypatch.setitem(catalog.STUDIES, "perceptron", entry)
    monkeypatch.setattr("samebits.study.commands.SCRIPTS", tmp_path)
    asked = conducting.Asked(
        study="perceptron", scale="smoke", folder=tmp_path / "out", setups=["pytorch", "keras-tf1.14"], source=digits
    )
    result = conducting.conduct(asked, Progress())
    (setup,) = result.setups
    assert (setup.id, setup.status, setup.groups) == ("pytorch", "done", [[1, 2]])
    assert [model.digits.accuracy > 0.5 for model in setup.models] == [True, True]
    assert setup.retests[0].same is True
