"""`samebits check`, as a user runs it, on small programs with known answers (tests/known)."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="Python 3.10 has no tomllib, and tomli is not installed")

FOLDER = Path(__file__).resolve().parents[1] / "known"
EXPECTED = tomllib.loads((FOLDER / "expected.toml").read_text())
EXIT_CODES = {"repeated": 0, "diverged": 1, "inconclusive": 3}


def program_of(name, want):
    return FOLDER / f"{want.get('program', name)}.{want.get('ext', 'py')}"


def words_of(name, want):
    """The words of `samebits check` for a program."""
    words = ["-n", want.get("trials", 2), "--out", "record", "--json", "result.json", "--timeout", "120"]
    words += ["--artifact", want["artifact"]] if "artifact" in want else []
    return [*words, "--", *want.get("run", ["python"]), program_of(name, want), *want.get("after", [])]


def needed(name, want):
    """The modules that a program imports."""
    if "needs" in want:
        return want["needs"]
    text = program_of(name, want).read_text()
    return ["torch"] if "torch" in text or want.get("ext") == "sh" else []


# one of each verdict; the others import a framework twice each, and there are thirty of them
QUICK = {"is_killed_after_a_step", "observes_its_own_loop", "observes_its_own_loop_unseeded", "shuffles_without_a_seed",
         "takes_no_step", "writes_nothing", "writes_the_same_model"}  # fmt: skip
NAMES = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in EXPECTED]


@pytest.fixture
def little_imported(request, name):
    """What is slow imports little: the quick ones show that all of PyTorch does no harm. Jupyter's kernel needs more."""
    if name not in QUICK and "notebook" not in name:
        request.getfixturevalue("late_compiler")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("little_imported")
def test_check_gives_the_known_answer(samebits, name, tmp_path):
    want = EXPECTED[name]
    for module in needed(name, want):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside {sys.executable}")
    done = samebits("check", *words_of(name, want), cwd=tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    assert re.fullmatch(want["verdict"], result["verdict"]), (
        result["sentence"],
        result["reason"],
        result["divergence"],
    )
    assert done.returncode == EXIT_CODES[result["verdict"]]
    where = result["divergence"] or {}
    if result["verdict"] == "diverged":
        assert where["kind"] in want["kinds"], where
        assert where["step"] in want.get("steps", [where["step"]]), where
        assert want.get("name", "") in where["name"]
        assert re.fullmatch(want.get("process", ".*"), where["process"]["name"]), where
        assert re.search(want.get("detail", ""), where["detail"]), where["detail"]
    if result["verdict"] == "repeated":
        assert result["scope"]["kind"] == "whole"
        assert result["scope"]["steps_total"] == want.get("steps_total", result["scope"]["steps_total"])
    if "warning" in want:
        assert any(re.search(want["warning"], warning) for warning in result["warnings"]), result["warnings"]
    if "reason" in want and result["verdict"] == "inconclusive":
        assert re.search(want["reason"], result["reason"]), result["reason"]


def test_every_program_has_a_known_answer():
    programs = {path for path in FOLDER.iterdir() if path.suffix in {".py", ".sh", ".ipynb"}}
    assert programs == {program_of(name, want) for name, want in EXPECTED.items()}
    assert set(EXPECTED) > QUICK
