"""What is not a command by itself, and a command that is short for another one."""

import sys

import pytest

from samebits import checks
from samebits.cli import main
from samebits.errors import SamebitsError
from samebits.launch.processes import command


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["train.ipynb"], "samebits check -- papermill train.ipynb '{out}/train.ipynb'"),
        (["./train.ipynb"], "samebits check -- papermill ./train.ipynb '{out}/train.ipynb'"),
        (["run.sh", "--lr", "0 1"], "samebits check -- bash run.sh --lr '0 1'"),
        (["./run.sh"], "samebits check -- bash ./run.sh"),
        (["./train.py"], "samebits check -- python ./train.py"),
        (["./runs"], "Name a program:  samebits check -- python train.py"),
        (["runs"], "Name a program:  samebits check -- python train.py"),
        (["."], "Name a program:  samebits check -- python train.py"),
        (["first"], "It is a record, not a command:  samebits report first"),
        (["./first", "./second"], "It is a record, not a command: leave out the other words."),
        (["frist"], "If you mean a record: there is no folder frist here."),
        (["pythn", "train.py"], ""),
    ],
)
def test_what_is_no_program_gets_advice_that_fits(tmp_path, words, advice):
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "record.json").write_text('{"format": 1, "samebits": "0.1.0"}')
    for name in ("train.ipynb", "run.sh", "train.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "runs").mkdir()
    with pytest.raises(SamebitsError) as raised:
        command.find(words, tmp_path, "/nowhere")
    assert raised.value.advice == advice


@pytest.mark.parametrize(
    "words", [["python", "-c", "x.py"], ["python", "-W", "ignore.py"], ["python"], ["make", "t.py"]]
)
def test_a_word_that_may_be_the_value_of_an_option_is_not_looked_for(tmp_path, words):
    assert command.check_script(words, tmp_path) is None


@pytest.mark.parametrize("words", [["python", "trian.py"], ["python", "-uB", "./trian.py"]])
def test_a_script_that_is_not_there_is_said(tmp_path, words):
    with pytest.raises(SamebitsError) as raised:
        command.check_script(words, tmp_path)
    assert raised.value.advice == "Give its path from this folder."


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["train.py", "--lr", "0 1"], "samebits check train.py --lr '0 1'"),
        (["python3.11", "-u", "train.py"], "samebits check -- python3.11 -u train.py"),
    ],
)
def test_a_training_without_the_name_of_a_command_is_told_what_to_type(capsys, words, advice):
    assert main(words) == 2
    said = f"samebits: The name of the command is missing.\n   do this  {advice}\n"
    assert capsys.readouterr().err == said


def test_a_notebook_given_to_python_is_told_what_to_type(tmp_path):
    (tmp_path / "train.ipynb").write_text("{}")
    with pytest.raises(SamebitsError) as raised:
        command.check_script(["python", "train.ipynb"], tmp_path)
    assert "papermill train.ipynb" in raised.value.advice


def test_a_script_that_can_be_run_is_a_command(tmp_path):
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    assert command.find(["./run.sh"], tmp_path, "/nowhere") == str(tmp_path / "run.sh")


@pytest.fixture
def asked(monkeypatch):
    """Function(words) -> the command that check would run."""

    found = []

    def keep(request, progress):
        found.append(request.command)
        raise SamebitsError("enough")

    monkeypatch.setattr(checks, "run", keep)

    def ask(*words):
        main(["check", *words])
        return found.pop()

    return ask


@pytest.mark.parametrize("before", [[], ["-n", "2"], ["-n3", "--full", "--seed=3"], ["--metric", "a=(b)"]])
def test_a_module_stands_for_python_and_the_module(asked, before):
    assert asked(*before, "-m", "pkg.train", "--lr", "1") == ["python", "-m", "pkg.train", "--lr", "1"]


def test_a_module_option_of_another_program_is_left_alone(asked):
    assert asked("-n", "2", "--", sys.executable, "-m", "pkg.train") == [sys.executable, "-m", "pkg.train"]
    assert asked("torchrun", "-m", "pkg.train") == ["torchrun", "-m", "pkg.train"]


def test_a_command_that_runs_no_python_is_told_so(writing, tmp_path):
    trial = {"status": "unwatched", "exit_code": 0}
    result = writing.judged(tmp_path, [lambda folder, number: dict(trial)] * 2, command=["./simulate", "3"])
    assert result.reason == "no Python ran in trials 1 and 2, only ./simulate 3."
    assert "--artifact" in result.advice


def test_a_budget_that_ended_before_the_first_step_says_that(writing, tmp_path):
    trial = {"status": "stopped", "seconds": 3.0}
    result = writing.judged(tmp_path, [lambda folder, number: dict(trial)] * 2, options={"budget": 9.0})
    assert (
        result.reason == "--budget ran out before the first step of trials 1 and 2 (3.0 s after the start of trial 1)."
    )
    assert "--budget 9s" in result.advice


@pytest.mark.parametrize(
    ("text", "words", "flags"),
    [
        ("print(1)", ["--trials", "3"], ["--trials"]),
        ("print(1)", ["-n", "3", "--out=first", "-n", "4"], ["-n", "--out"]),
        ("open('out.txt')", ["--out", "first"], ["--out"]),
        ("print(1)", ["--lr", "3", "first"], []),
        ("import options", ["--help"], []),
        ("parser.add_argument('--trials')", ["--trials", "3"], []),
        ("parser.add_argument('-n')", ["-n", "3"], []),
        ("def main(ok_exit: int): ...", ["--ok-exit", "3"], []),
    ],
)
def test_options_that_stand_after_a_script_without_such_options_are_said(
    asked, tmp_path, monkeypatch, capsys, text, words, flags
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(text)
    assert asked("train.py", *words) == ["python", "train.py", *words]
    said = capsys.readouterr().err
    assert [line.split()[1] for line in said.splitlines() if " goes to train.py. " in line] == flags
    assert asked("--", "python", "train.py", *words) == ["python", "train.py", *words]
    assert " goes to " not in capsys.readouterr().err
