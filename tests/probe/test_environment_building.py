"""Environments and interpreters: built from lock files, and only whole."""

import os
import sys

import pytest

from samebits import environments, places
from samebits.environments import RECIPES, Recipe, find_python
from samebits.errors import EnvironmentFailure, NotFoundError

PATH = os.environ["PATH"]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A recipe that needs nothing from outside: this Python and one empty lock file."""
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "small.txt").write_text("# nothing\n")
    release = ".".join(map(str, sys.version_info[:2]))
    recipe = Recipe("small", "nothing at all", (release,), ("small.txt",))
    for module in (environments, environments):
        monkeypatch.setattr(module, "LOCKS", locks)
    monkeypatch.setitem(RECIPES, "small", recipe)
    return locks / "small.txt"


def test_an_environment_is_built_once_and_then_found(small):
    told = []
    python = environments.create("small", told.append)
    assert find_python(None, "small", PATH).path == python
    marker = python.parent.parent / environments.MARKER
    built = marker.stat().st_mtime_ns
    environments.create("small")
    assert marker.stat().st_mtime_ns == built


def test_an_environment_of_another_lock_file_is_out_of_date_and_built_again(small):
    environments.create("small")
    small.write_text("# nothing else\n")
    assert "small              out of date" in environments.listing()
    environments.create("small")
    assert "small              built" in environments.listing()


@pytest.mark.slow
def test_a_build_that_was_broken_off_goes_on(small):
    python = environments.create("small")
    (python.parent.parent / environments.MARKER).unlink()
    with pytest.raises(NotFoundError, match="has not been built"):
        find_python(None, "small", PATH)
    python.unlink()  # and half of it is gone
    environments.create("small")
    assert find_python(None, "small", PATH).path == python


def test_a_package_with_another_hash_is_refused_with_the_last_words_of_pip_and_the_log(small, tmp_path):
    wheel = tmp_path / "nothing-1-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    small.write_text(f"nothing @ file://{wheel} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(EnvironmentFailure) as error:
        environments.create("small")
    assert "small.txt failed" in error.value.message
    log = places.home() / "envs" / "small.log"
    assert str(log) in error.value.message
    assert "HASH" in log.read_text().upper()
    assert "(it goes on where it stopped)" in error.value.advice


def test_a_home_that_cannot_be_written_is_an_error(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(EnvironmentFailure, match="could not be built"):
        environments.create("small")
