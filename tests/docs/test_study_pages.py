"""The study that the documentation adds is added, and run."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

from samebits.errors import SamebitsError
from samebits.experiment import Progress
from samebits_study import catalog
from samebits_study.catalog import Study, StudyScale

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-study.md"
FILE = re.compile(r'```python title="([^"]+)"\n(.*?)```', re.DOTALL)


@pytest.fixture
def added(tmp_path, monkeypatch, late_compiler):
    """The page's scripts beside those of the study, and its entries in the table."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    for name in ("lenet5_pytorch.py", "pytorch_parts.py", "outcomes.py"):
        shutil.copy(catalog.SCRIPTS / name, tmp_path)
    for name, text in FILE.findall(PAGE.read_text()):
        (tmp_path / name).write_text(text)
        if name.endswith("entry.py"):
            entry = eval(text, {"Study": Study, "StudyScale": StudyScale})  # noqa: S307 - the page's own words
            monkeypatch.setitem(catalog.STUDIES, entry.name, entry)
    monkeypatch.setattr("samebits_study.catalog.SCRIPTS", tmp_path)
    return tmp_path


def conduct(folder, study, *setups, source=None):
    from samebits_study import conductor, output

    asked = conductor.StudyRequest(
        study=study, scale="smoke", folder=folder / "out", setups=list(setups), source=source
    )
    result = conductor.conduct(asked, Progress())
    output.write(result, asked.folder)
    return result, (asked.folder / "report.md").read_text()


@pytest.mark.slow(seconds=15)
def test_the_study_that_the_page_adds_runs_in_the_setups_that_it_has_a_script_for_and_names_the_others(added):
    from samebits import datasets

    try:
        digits = datasets.get("mnist")
    except SamebitsError as why:
        pytest.skip(f"MNIST cannot be had here: {why.message}")
    asked = ["pytorch", "keras-tf1.14", "pytorch-1.3", "pytorch-1.3-inverted", "pytorch-1.3-one-process", "keras3-jax"]
    result, report = conduct(added, "perceptron", *asked, source=digits)
    found = {setup.id: setup for setup in result.setups}
    assert set(found) == set(asked)
    ours = found.pop("pytorch")
    assert (ours.status, ours.groups) == ("done", [[1, 2]])
    assert [model.digits.accuracy > 0.5 for model in ours.models] == [True, True]
    assert ours.retests[0].same is True
    assert {name: (setup.status, setup.reason) for name, setup in found.items()} == {
        "keras-tf1.14": ("skipped", "The study perceptron has no script for Keras 2.3.1."),
        "pytorch-1.3": ("skipped", "perceptron_pytorch.py takes no --initial."),
        "pytorch-1.3-inverted": (
            "skipped", "perceptron_pytorch.py takes no --initial and no --inverted."),
        "pytorch-1.3-one-process": (
            "skipped", "perceptron_pytorch.py takes no --initial and no --repeat."),
        "keras3-jax": ("skipped", "The study perceptron has no script for Keras 3."),
    }  # fmt: skip
    assert "## The paper" not in report
    assert "Table 7" not in report
    assert "### Table accuracy." in report


@pytest.mark.slow(seconds=15)
def test_the_data_set_that_the_page_adds_is_made_and_learned(added):
    result, report = conduct(added, "lenet5-stripes", "pytorch")
    (setup,) = result.setups
    assert (setup.status, setup.groups) == ("done", [[1, 2]])
    assert [model.digits.accuracy > 0.5 for model in setup.models] == [True, True]
    assert "made by stripes.py" in report


def test_a_data_script_that_fails_is_said_with_its_last_words(added):
    (added / "stripes.py").write_text("raise SystemExit('no stripes today')")
    with pytest.raises(SamebitsError, match="no stripes today"):
        conduct(added, "lenet5-stripes", "pytorch")
    (added / "stripes.py").write_text("")
    with pytest.raises(SamebitsError, match="wrote no npz file"):
        conduct(added, "lenet5-stripes", "pytorch")


def test_the_page_says_how_many_lines_its_two_examples_take():
    table = PAGE.read_text().split("| study | data and scores |")[1]
    catalog_text = Path(catalog.__file__).read_text()
    for name, data in (("detection", "scenes.py"), ("regression", "diabetes.py")):
        files = [data, f"{name}_keras.py", f"{name}_pytorch.py"]
        lines = [len((catalog.SCRIPTS / file).read_text().splitlines()) for file in files]
        entry = re.search(rf"        Study\(\n            name=\"{name}\".*?\n        \),\n", catalog_text, re.DOTALL)
        lines.append(entry.group().count("\n"))
        assert f"| `{name}` | {' | '.join(map(str, lines))} |" in table
