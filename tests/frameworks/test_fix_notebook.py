"""fix on notebooks that real kernels run."""

import json
import sys
from pathlib import Path

import pytest

from samebits import checks
from samebits.documents import Explanation
from samebits.launch.plan import Request
from samebits.model import Options
from samebits.patches import FixRequest, fix
from samebits.store import write_document
from samebits.store.record import RESULT

for name in ("nbclient", "papermill", "ipykernel"):
    pytest.importorskip(name, reason=f"these tests run notebooks with {name}")

CELLS = [
    "!echo unbalanced '('\nimport os\nimport random",
    "%%time\nfrom samebits_probe import observe\nweight = random.random()",
    "for step in range(3):\n    weight += random.random()\n    observe('weight', weight, step=step)",
]
RUNNERS = {
    "papermill": [sys.executable, "-m", "papermill", "train.ipynb", "{out}/train.ipynb"],
    "jupyter": [str(Path(sys.executable).with_name("jupyter-execute")), "train.ipynb"],
}


@pytest.fixture
def recorded(tmp_path):
    """Function(command) -> the record of a check of train.ipynb, explained by python-seed."""
    cells = [{"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "execution_count": None,
              "source": text.splitlines(keepends=True)} for number, text in enumerate(CELLS)]  # fmt: skip
    known = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    text = json.dumps({"cells": cells, "metadata": known, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    (tmp_path / "train.ipynb").write_text(text + "\n")

    def record(command):
        request = Request(command=command, directory=tmp_path, out=tmp_path / "record", options=Options(trials=2))
        ended = checks.run(request)
        assert ended.result.verdict == "diverged", ended.result.sentence
        why = Explanation.model_validate({"cause": ["python-seed"], "minimal_controls": [], "evidence": []})
        write_document(tmp_path / "record" / RESULT, ended.result.model_copy(update={"explanation": why}))
        return tmp_path / "record"

    return record


def test_a_notebook_repeats_with_the_patch_and_nothing_else_in_it_changes(recorded, tmp_path):
    path = tmp_path / "train.ipynb"
    old = path.read_text()
    found = fix(FixRequest(recorded(RUNNERS["papermill"]), apply=True))
    assert (found.outcome, found.verdict) == ("mended", "repeated")
    assert [(one.cell, one.line) for one in found.draws] == [(2, 3)]
    assert [(one.cell, one.line) for one in found.changes] == [(2, 3)]
    added = '    "random.seed(2019)\\n",\n'
    assert path.read_text().replace(added, "") == old
    assert json.loads(path.read_text())["cells"][1]["source"][2:] == ["random.seed(2019)\n", "weight = random.random()"]
    assert fix(FixRequest(tmp_path / "record")).sentence.startswith("An earlier samebits fix --apply put this patch")


@pytest.mark.slow
def test_jupyter_execute_runs_the_same_cells(recorded, tmp_path):
    old = (tmp_path / "train.ipynb").read_bytes()
    found = fix(FixRequest(recorded(RUNNERS["jupyter"])))
    assert found.outcome == "proposed"
    assert [(one.cell, one.line) for one in found.changes] == [(2, 3)]
    assert (tmp_path / "train.ipynb").read_bytes() == old
