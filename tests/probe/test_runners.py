"""Commands that run Python through a runner, as people type them."""

import shutil
import sys

import pytest

from samebits.checks import run
from samebits.launch.plan import Request
from samebits.model import Options

TRAIN = "from samebits_probe import observe\nobserve('loss', 1.0, step=0); observe('weights', 1.0, step=0)\n"
PROJECT = '[project]\nname = "trained"\nversion = "0.1.0"\nrequires-python = ">=3.8"\n[tool.uv]\npackage = false\n'


@pytest.fixture
def project(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "train.py").write_text(TRAIN)
    (tmp_path / "work" / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "work" / "Makefile").write_text(f"train:\n\t{sys.executable} train.py\n")
    return tmp_path


def judged(project, *command):
    options = Options(trials=2, timeout=120)
    return run(
        Request(command=list(command), directory=project / "work", out=project / "record", options=options)
    ).result


def test_uv_with_a_cold_cache_repeats_with_a_note(project, monkeypatch):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    monkeypatch.setenv("UV_CACHE_DIR", str(project / "cache"))
    monkeypatch.setenv("UV_PYTHON", sys.executable)
    monkeypatch.setenv("UV_OFFLINE", "1")
    result = judged(project, uv, "run", "python", "train.py")
    assert result.verdict == "repeated", result.reason
    assert any("only asked the interpreter about itself" in warning for warning in result.warnings)


def test_make_repeats(project):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    result = judged(project, "make", "train")
    assert (result.verdict, result.scope.unwatched) == ("repeated", [])


def test_a_virtual_environment_that_the_command_makes_is_no_leak(project):
    words = f"test -d env || {sys.executable} -m venv --without-pip env; env/bin/python train.py"
    result = judged(project, "sh", "-c", words)
    assert (result.verdict, result.leak) == ("repeated", None), result.reason


def test_a_module_of_a_package_repeats(project):
    (project / "work" / "pkg").mkdir()
    (project / "work" / "train.py").rename(project / "work" / "pkg" / "train.py")
    result = judged(project, sys.executable, "-m", "pkg.train")
    assert result.verdict == "repeated", result.reason
