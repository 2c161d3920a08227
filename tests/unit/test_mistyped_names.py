"""A mistyped script or program is answered with the names that are like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.errors import NotFoundError
from samebits.launch import command, suggestions


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with scripts, a program and a record; beside it, a folder of PATH with two programs."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("train.py", "trial.txt", "pkg/prepare.py", ".hidden/secret.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    for name in ("run_all", "bin/python", "bin/torchrun"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    (folder / "bin" / "pythom").write_text("no program")
    (folder / "first").mkdir()
    (folder / "first" / "record.json").write_text('{"format": 1, "samebits": "0.1.0"}')
    return folder


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["python", "trian.py"], "Did you mean train.py?"),
        (["python", "-u", "trian.py"], "Did you mean train.py?"),
        (["python", "-uB", "./trian.py"], "Did you mean train.py?"),
        (["python", "pkg/perpare.py"], "Did you mean pkg/prepare.py?"),
        (["python", "prepare.py"], "Did you mean pkg/prepare.py?"),
        (["python", "pkg/train.py"], "Did you mean train.py?"),
        (["python", "trial.py"], "Did you mean train.py?"),
        (["python", "secret.py"], "Give its path from this folder."),
        (["python", "evaluate.py"], "Give its path from this folder."),
        (["python", "nowhere/train_it.py"], "Give its path from this folder."),
    ],
)
def test_a_script_that_is_not_there_is_compared_with_the_files_of_its_folder(folder, words, advice):
    with pytest.raises(NotFoundError) as raised:
        command.check_script(words, folder)
    assert raised.value.advice == advice


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("pyhton", "Did you mean python?"),
        ("torch-run", "Did you mean torchrun?"),
        ("frist", "Did you mean first?"),
        ("./run_al", "Did you mean ./run_all?"),
        ("bin/pyton", "Did you mean ./bin/python?"),
        ("qqq", "If you mean a record: there is no folder qqq here."),
    ],
)
def test_a_program_that_is_not_there_is_compared_with_those_on_the_path_and_with_records(folder, name, advice):
    with pytest.raises(NotFoundError) as raised:
        command.find([name, "train.py"], folder, f"{folder / 'bin'}:/nowhere")
    assert raised.value.advice == advice


@pytest.mark.parametrize(
    "words", [["python", "-c", "x.py"], ["python", "-W", "ignore.py"], ["python"], ["make", "t.py"]]
)
def test_a_word_that_may_be_the_value_of_an_option_is_not_looked_for(folder, words):
    assert command.check_script(words, folder) is None


def test_a_record_is_told_as_a_record_and_not_as_a_likeness_of_itself(folder):
    with pytest.raises(NotFoundError) as raised:
        command.find(["first"], folder, str(folder / "bin"))
    assert raised.value.advice == "It is a record, not a command:  samebits report first"


@given(name=st.text(max_size=12))
def test_any_name_can_be_compared(folder, name):
    """No name breaks it, and it never names a file that is not there."""
    said = suggestions.like_script(f"{name}.py", folder)
    named = said.removeprefix("Did you mean ").removesuffix("?").split(" or ") if said else []
    assert all((folder / one).is_file() for one in named)
