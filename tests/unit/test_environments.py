"""Environments and interpreters: found, built, and missed with words that say what to do."""

import os
import stat
import sys
from pathlib import Path

import pytest

from samebits import environments, places
from samebits.environments import RECIPES, find_python, interpreters
from samebits.errors import NotFoundError, UsageError

PATH = os.environ["PATH"]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "home"))


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_an_interpreter_is_found_by_its_path():
    found = find_python(sys.executable, None, PATH)
    assert found.version == tuple(sys.version_info[:3])


def test_an_interpreter_is_found_by_its_folder():
    assert find_python(sys.prefix, None, PATH).version == tuple(sys.version_info[:3])


def test_an_interpreter_is_found_by_its_name_on_path(tmp_path):
    (tmp_path / "python9").symlink_to(sys.executable)
    assert find_python("python9", None, str(tmp_path)).version == tuple(sys.version_info[:3])


def test_an_interpreter_is_found_by_its_release(pythons):
    release = next(iter(pythons))
    found = find_python(release, None, PATH)
    assert ".".join(map(str, found.version[:2])) == release


def test_without_a_wish_it_is_python_on_path_or_the_one_that_runs_samebits(tmp_path):
    assert find_python(None, None, str(tmp_path)).path == Path(sys.executable)
    (tmp_path / "python").symlink_to(sys.executable)
    assert find_python(None, None, str(tmp_path)).path.name.startswith("python")


@pytest.mark.parametrize("tool", ["pyenv", "uv", "conda"])
def test_interpreters_of_version_managers_are_found(tool, tmp_path, monkeypatch):
    inner = {"pyenv": "versions/3.6.15/bin/python", "uv": "cpython-3.9/bin/python3", "conda": "envs/old/bin/python"}
    variable = {"pyenv": "PYENV_ROOT", "uv": "UV_PYTHON_INSTALL_DIR", "conda": "CONDA_PREFIX"}[tool]
    monkeypatch.setenv(variable, str(tmp_path))
    python = tmp_path / inner[tool]
    python.parent.mkdir(parents=True)
    script(python, '#!/bin/sh\necho \'{"samebits": ["' + str(python) + '", "/", [3, 6, 14]]}\'\n')
    assert python in [answer.path for answer in interpreters.found("")]
    assert interpreters.of_release("3.6.14", "").path == python


@pytest.mark.parametrize(
    ("python", "environment", "message", "advice"),
    [
        ("3.99", None, "on PATH.*pyenv.*uv.*conda", "pyenv install 3.99"),
        ("3.11", "pytorch", "both", ""),
        (None, "keras-tf1.14", "", "samebits env create keras-tf1.14"),
        (None, "tensorflow", r"keras-tf1\.14, keras-tf2\.1, pytorch-1\.3", ""),
    ],
)
def test_what_cannot_be_had_says_where_it_was_looked_for_and_how_to_get_it(python, environment, message, advice):
    with pytest.raises((NotFoundError, UsageError), match=f"(?s){message}") as error:
        find_python(python, environment, PATH)
    assert advice in (error.value.advice or "")


def test_python_3_6_is_not_to_be_had_from_uv():
    assert "pyenv install 3.6.15" in interpreters.how_to_get("3.6")
    assert "uv " not in interpreters.how_to_get("3.6")


@pytest.mark.parametrize("name", ["no-such-python", "/no/such/python", "x" * 5000, "\x00", "~nobody/python", "."])
def test_a_name_of_no_interpreter_is_an_error_with_advice(name):
    with pytest.raises((NotFoundError, UsageError)) as error:
        find_python(name, None, PATH)
    assert error.value.advice


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 0\n", "#!/bin/sh\necho '{}'\n", "#!/bin/sh\necho 3.6\n", "junk", ""])
def test_a_file_that_does_not_answer_as_an_interpreter_is_wrong_use(text, tmp_path):
    with pytest.raises(UsageError, match="does not answer like a Python interpreter"):
        find_python(str(script(tmp_path / "thing", text)), None, PATH)


def test_a_file_that_may_not_be_run_is_wrong_use(tmp_path):
    (tmp_path / "thing").write_text("text")
    with pytest.raises(UsageError, match="does not answer like a Python interpreter"):
        find_python(str(tmp_path / "thing"), None, PATH)


def test_a_missing_release_for_an_environment_names_both(monkeypatch):
    monkeypatch.setattr(interpreters, "found", lambda path=None: iter(()))
    with pytest.raises(NotFoundError, match=r"pytorch-1\.3 needs Python 3\.6"):
        environments.create("pytorch-1.3")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_lock_pins_each_package_and_gives_its_hashes(recipe):
    for name in recipe.locks:
        logical = (environments.LOCKS / name).read_text().replace("\\\n", " ").splitlines()
        pinned = [line for line in logical if line.strip() and not line.startswith("#")]
        assert pinned
        assert all("==" in line and "--hash=sha256:" in line for line in pinned), name


def test_the_locks_hold_the_stacks_of_the_paper():
    wanted = {
        "keras-tf1.14": ("tensorflow==1.14.0", "keras==2.3.1", "numpy==1.17.5"),
        "keras-tf2.1": ("tensorflow-cpu==2.1.0", "keras==2.3.1", "numpy==1.17.5"),
        "pytorch-1.3": ("torch==1.3.0", "numpy==1.17.5"),
    }
    for name, pins in wanted.items():
        text = "".join((environments.LOCKS / lock).read_text() for lock in RECIPES[name].locks)
        assert all(pin + " " in text for pin in pins), name
