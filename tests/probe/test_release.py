"""Two builds of one commit have the same bits, and the wheel works in an environment that holds nothing else."""

import os
import re
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import samebits

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, random

random.seed(1)
json.dump([random.random() for _ in range(4)], open("weights.json", "w"))
"""


def test_the_version_is_the_same_in_all_files():
    for name, line in (
        ("pyproject.toml", 'version = "{}"'),
        ("CITATION.cff", "version: {}"),
        ("CHANGELOG.md", "## {} ("),
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search("^" + re.escape(line.format(samebits.__version__)), text, re.MULTILINE), name


def output(*words, folder):
    """What a command printed. It has to end well, and starts without the variables of this environment's Python."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The folder with the sdist and the wheel of the last commit."""
    absent = [name for name in ("build", "twine") if find_spec(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (pip install --group dist)")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no copy of the repository with its commits")
    folder = tmp_path_factory.mktemp("dist")
    output(".ci/dist", sys.executable, str(folder), folder=ROOT)
    return folder


@pytest.mark.slow(seconds=40)
def test_two_builds_of_one_commit_have_the_same_bits_and_hold_what_users_need(distributions):
    names = sorted(path.name for path in distributions.iterdir())
    assert [re.sub(r"\d+\.\d+\.\d+\w*", "X", name) for name in names] == [
        "samebits-X-py3-none-any.whl",
        "samebits-X.tar.gz",
    ]
    with tarfile.open(distributions / names[1]) as sdist:
        held = {path.partition("/")[2] for path in sdist.getnames()}
    assert {"CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "SECURITY.md", "pyproject.toml"} <= held
    assert "src/samebits_probe/__init__.py" in held


@pytest.mark.slow(seconds=60)
@pytest.mark.parametrize("release", ["3.10", "3.13"])
def test_the_wheel_checks_a_training_in_a_fresh_environment(distributions, pythons, release, tmp_path):
    if release not in pythons:
        pytest.skip(f"no Python {release} on this machine")
    output(pythons[release], "-m", "venv", "fresh", folder=tmp_path)
    wheel = next(distributions.glob("*.whl"))
    output("fresh/bin/python", "-m", "pip", "install", "--quiet", str(wheel), folder=tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    assert output("fresh/bin/samebits", "--version", folder=tmp_path).startswith("samebits ")
    check = ["check", "-n", "2", "--artifact", "weights.json", "--", "fresh/bin/python", "train.py"]
    assert "SAME BITS" in output("fresh/bin/samebits", *check, folder=tmp_path)
