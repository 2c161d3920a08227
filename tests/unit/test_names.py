"""Names: patterns of --artifact and --ignore (any text is one, and an escaped name matches that name), and Pythons."""

import glob
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.launch.processes.command import name_of
from samebits.names import matches_any, python_name, without_release

NAMES = st.text("ab[]!-^&~|\\*?.{}() ", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("model.pt", "model.pt", True), ("*.pt", "model.pt", True), ("*.pt", "out/model.pt", False),
        ("**/*.pt", "model.pt", True), ("**/*.pt", "a/b/model.pt", True), ("out", "out/a/b", True), ("out/", "out/a", True),
        ("./out/*", "out/a", True), ("model?.pt", "model1.pt", True), ("model[12].pt", "model2.pt", True),
        ("model[!12].pt", "model2.pt", False), ("model[!12].pt", "model3.pt", True), ("model[[]1].pt", "model[1].pt", True),
        ("[z-a]", "[z-a]", True), ("[z-a]", "z", False), ("[&&]", "&", True), ("[a||b]", "|", True), ("[--]", "-", True),
        ("[+--]", ",", True), ("[---]", "-", True), ("[a--]", "a", False), ("[a--]", "[a--]", True), ("[!+--]", ",", False),
    ],
)  # fmt: skip
def test_a_pattern_matches_as_in_a_shell(pattern, path, matches):
    assert matches_any(path, [pattern]) is matches


@given(NAMES, NAMES)
def test_any_text_is_a_pattern_and_says_nothing_on_the_screen(pattern, path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert matches_any(path, [pattern]) in (True, False)


@given(NAMES.filter(lambda name: not re.search(r"^\.|\.$", name)))
def test_an_escaped_name_matches_itself(name):
    assert matches_any(name, [glob.escape(name)])


@pytest.mark.parametrize(
    ("program", "release"),
    [
        ("/usr/bin/python3.12", "3.12"), ("python", None), ("pypy3", "3"), ("python3.13t", "3.13"), ("python3.6dm", "3.6"),
        ("python2.7u", "2.7"),
    ],
)  # fmt: skip
def test_a_python_is_known_by_its_name_with_any_release_and_kind_of_build(program, release):
    assert python_name(program)[2] == release


@pytest.mark.parametrize("program", ["", "ipython", "pythonista", "python3-config", "python3.12/train.py", "train.py"])
def test_a_program_with_a_similar_name_is_no_python(program):
    assert python_name(program) is None


def test_pythons_of_two_releases_have_one_name():
    assert without_release("/opt/python3.12/bin/python3.12") == without_release("/opt/python3.9/bin/python3.9")
    assert without_release("train3.12.py") == "train3.12.py"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("jupyter execute train.ipynb", "train"), ("papermill -p seed 1 a/train.ipynb out.ipynb", "train"),
        ("python train.py --epochs 2", "train"), ("make train", "make"), ("torchrun train.py", "train"),
    ],
)  # fmt: skip
def test_a_record_is_named_after_the_notebook_or_the_script(command, name):
    assert name_of(command.split()) == name
