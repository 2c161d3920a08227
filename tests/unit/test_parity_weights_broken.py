"""What `samebits parity weights` says to what cannot be: in words, with exit status 2, and before long work."""

import sys

import numpy as np
import pytest

from samebits.cli import main

FILE = """
import numpy
number = 3
def raises():
    raise ValueError("no such size")
def ends():
    raise SystemExit(0)
def nothing():
    return [1, 2]
def needs(size, *, depth):
    return size
"""


@pytest.fixture
def said(tmp_path, monkeypatch, capfd):
    """Function(*words) -> what is said on standard error; the exit status is 2."""
    (tmp_path / "model.py").write_text(FILE)
    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "wrong.py").write_text("def model(:\n")
    np.savez(tmp_path / "w.npz", a=np.zeros(3))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        assert main(["parity", "weights", *words]) == 2
        text = capfd.readouterr().err
        assert "Traceback" not in text
        assert "an error of samebits itself" not in text
        return text

    return run


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("nowhere.py:model", "the file nowhere.py does not exist"),
        ("nowhere.keras", "the file nowhere.keras does not exist"),
        ("model.py", "is not a model"),
        (":model", "is not a model"),
        ("", "names no model"),
        ("model.py:", "is not a model"),
        ("model.py:absent", "has no absent"),
        ("model.py:number", "is not a function"),
        ("model.py:raises", "line 5: ValueError: no such size"),
        ("model.py:ends", "SystemExit"),
        ("model.py:nothing", "gave no model of Keras or PyTorch, but: list"),
        ("model.py:needs", "needs() missing 1 required positional argument: 'size'"),
        ("broken.py:model", "--env-a or --env-b"),
        ("wrong.py:model", "SyntaxError"),
    ],
)
def test_a_model_that_is_none(said, model, expected):
    assert expected in said(model, "model.py:nothing")


def test_the_functions_that_there_are_are_named(said):
    assert "raises, ends, nothing, needs" in said("model.py:absent", "model.py:nothing")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--weights", "nowhere.npz"], "There is no file of weights nowhere.npz"),
        (["--weights", "model.py"], "cannot read weights from model.py"),
        (["--out", "weights.txt"], "cannot write weights as weights.txt"),
        (["--out", "nowhere/weights.npz"], "cannot be written"),
        (["--env-a", "pytorch-9"], "There is no environment 'pytorch-9'"),
        (["--env-a", "pytorch-1.3", "--python-a", sys.executable], "both name the interpreter"),
        (["--python-b", "nowhere/python"], "nowhere/python"),
        (["--backend", "theano"], "not a backend of Keras 3"),
        (["--input", "28,x"], "is not a whole number"),
        (["--input", "0"], "out of range"),
    ],
)
def test_options_that_cannot_be(said, words, expected):
    assert expected in said("model.py:nothing", "model.py:nothing", *words)


def test_an_environment_that_is_not_built(said, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMEBITS_HOME", str(tmp_path))
    text = said("model.py:nothing", "model.py:nothing", "--env-b", "pytorch-1.3")
    assert "has not been built" in text
    assert "samebits env create pytorch-1.3" in text


def test_nothing_is_written_where_nothing_is_carried(said, tmp_path):
    before = sorted(tmp_path.iterdir())
    said("model.py:nothing", "model.py:nothing")
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_of_the_default_name_is_not_written_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "weights-for-build.safetensors"
    there.write_text("precious")
    (tmp_path / "a.py").write_text("def build(): ...\n")
    assert main(["parity", "weights", "a.py:build", "a.py:build"]) == 2
    assert there.read_text() == "precious"
    assert "already exists" in capsys.readouterr().err
