"""A control is one file and one line in a table: with no other change every command knows it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import samebits_probe

ROOT = Path(__file__).resolve().parents[2]
FILE = '''"""The order in which a made-up library goes through its samples."""

import os

from ..wire import HELD, UNDONE
from .control import OWN, SHELL, Control, edit


class SampleOrder(Control):
    """Sets SAMPLE_ORDER=1, so that the samples have one order."""

    id = "sample-order"
    value = "1"
    values = "1 or 2"
    edits = (edit(SHELL, "export SAMPLE_ORDER=1"),)
    hints = {"batch": 1}
    factor = "samples"
    varies = "The order of the samples."
    takes = "own, 1, 2"

    @classmethod
    def accepts(cls, value):
        return value in ("1", "2")

    @classmethod
    def environment(cls, seed):
        return {"SAMPLE_ORDER": cls.value}

    def read_back(self):
        return HELD if self.in_force() == self.value else UNDONE, ""

    @classmethod
    def varied(cls, machine):
        return ["1", "2"]

    @staticmethod
    def in_force():
        return os.environ.get("SAMPLE_ORDER")
'''
LINE = '    "sample-order": ("sample_order", "SampleOrder"),\n'
PROGRAM = """import os
import samebits_probe
first = os.environ.get("SAMPLE_ORDER") or os.getpid()  # what no other control holds
for step in range(2):
    samebits_probe.observe("batch/x", float(first), step=step)
    samebits_probe.observe("weights/w", 1.0 + float(first), step=step)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Function(*words) -> what a command does where the probe has the control: a copy with one file and one line more."""
    folder = tmp_path_factory.mktemp("one")
    probe = folder / "src" / "samebits_probe"
    shutil.copytree(Path(samebits_probe.__file__).parent, probe)
    (probe / "controls" / "sample_order.py").write_text(FILE)
    table = probe / "controls" / "__init__.py"
    before, begin, after = table.read_text().partition("TABLE = {\n")
    table.write_text(before + begin + LINE + after)
    (folder / "train.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    environment.pop("SAMPLE_ORDER", None)

    def run(*words, code=None):
        command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "samebits", *words]
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )  # fmt: skip

    return run


def test_check_holds_it_and_reads_it_back(run):
    done = run("check", "-n", "2", "--json", "-", "--control", "sample-order", "train.py")
    result = json.loads(done.stdout)
    assert result["verdict"] == "repeated", done.stderr
    assert [(control["id"], control["effect"]) for control in result["setup"]["controls"]] == [("sample-order", "held")]


def test_explain_finds_that_it_is_the_cause_and_says_how_a_program_holds_it(run):
    done = run("explain", "-n", "2", "--jobs", "2", "--json", "-", "train.py")
    found = json.loads(done.stdout)["explanation"]
    assert found["cause"] == ["sample-order"], done.stderr
    assert found["fixes"][0]["lines"] == ["export SAMPLE_ORDER=1"]


def test_vary_varies_it_by_its_own_name_as_by_that_of_its_factor(run):
    done = run("vary", "-n", "2", "--json", "-", "--factor", "sample-order=1,2", "--", "python", "train.py")
    result = json.loads(done.stdout)
    assert result["verdict"] == "diverged", done.stderr
    assert [(factor["id"], factor["answer"]) for factor in result["factors"]] == [("samples", "depends")]


def test_the_reference_pages_list_it(run):
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'docs')!r}); import generate as g"
    done = run(code=f"{code}; print(g.control_table(), g.presets(), g.factor_table())")
    assert "| `sample-order` | Sets SAMPLE_ORDER=1, so that the samples have one order. |" in done.stdout, done.stderr
    assert "`strict` | `sample-order`, `python-seed`" in done.stdout
    assert "| `samples` | The order of the samples. | own, 1, 2 |" in done.stdout


def test_mkl_cbwr_is_such_a_control():
    """It stands in one file, by one line, and nothing else in the source names it."""
    named = [
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if any(word in path.read_text() for word in ("mkl-cbwr", "mkl_cbwr", "MklCbwr"))
    ]
    assert sorted(named) == ["samebits_probe/controls/__init__.py", "samebits_probe/controls/mkl_cbwr.py"]
