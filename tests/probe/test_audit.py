"""`samebits audit` on a training without a framework: what is equal, what is named, and what gives no answer."""

import json
import sys
from pathlib import Path

import pytest

from samebits import cli

PROGRAM = Path(__file__).resolve().parents[1] / "samples" / "saves_and_resumes.py"


@pytest.fixture
def audit(tmp_path, monkeypatch, capsys):
    """Function(*options, forget="") -> (exit status, the JSON, what was shown)."""
    monkeypatch.chdir(tmp_path)

    def run(*options, forget="", command=(str(PROGRAM), "{out}")):
        words = ["audit", *options, "--json", "result.json", "--", sys.executable, *command, *filter(None, [forget])]
        status = cli.main(words)
        shown = capsys.readouterr()
        found = Path("result.json")
        return status, json.loads(found.read_text()) if found.exists() else None, shown.out + shown.err

    return run


def test_a_right_resume_is_equal_where_it_was_tried(audit):
    status, found, shown = audit()
    assert (status, found["verdict"]) == (0, "repeated")
    assert "SAME BITS WHERE WE LOOKED: 2 of 3 windows" in shown
    assert [(one["checkpoint"]["step"], one["steps"], one["again"]) for one in found["moments"]] == [
        (2, 6, False), (6, 2, False), (6, 2, True),
    ]  # fmt: skip
    assert all(one["offset"] == one["expected"] and one["points"] for one in found["moments"])


@pytest.mark.parametrize(
    ("forget", "forgotten", "named", "confirmed"),
    [
        ("moment", "numbers of the program", "moment is 0.0, not ", ["numbers of the program"]),
        ("generator", "generator python", "draws of 32 bits behind", []),
        ("file", "everything", "It started from the initial weights, at step 0.", None),
    ],
)
def test_what_was_forgotten_is_named(audit, forget, forgotten, named, confirmed):
    status, found, shown = audit("--at", "4", forget=forget)
    assert (status, found["verdict"]) == (1, "diverged")
    assert forgotten in found["moments"][0]["forgotten"]
    assert (found["moments"][0]["graft"] or {}).get("parts") == confirmed
    assert ("forgot exactly" in shown) == bool(confirmed)
    assert named in shown


def test_the_resume_command_gets_the_checkpoint(audit, tmp_path):
    source = PROGRAM.read_text().replace('path.exists() and forget != "file"', "forget")
    source = source.replace("path.read_bytes()", "Path(forget).read_bytes()")
    (tmp_path / "train.py").write_text(source.replace('if forget != "generator"', "if forget"))
    resume = f"{sys.executable} train.py {{out}} {{checkpoint}}"
    status, found, _ = audit("--at", "4", "--resume", resume, command=("train.py", "{out}"))
    assert (status, found["moments"][0]["offset"]) == (0, 4)
    status, _, shown = audit("--resume", "python train.py", command=("train.py", "{out}"))
    assert status == 2
    assert "names neither {checkpoint} nor {out}" in shown


def test_only_so_many_steps_are_compared_after_a_resume(audit):
    status, found, _ = audit("--at", "4", "--length", "2")
    assert status == 0
    assert (found["moments"][0]["steps"], found["moments"][0]["to_the_end"]) == (2, False)


@pytest.mark.parametrize(
    ("forget", "said"),
    [
        ("saving", "The program wrote no checkpoint between two of its 8 steps."),
        ("failing", "The resumed run did not end well: it ended with exit status 1. It said: no room"),
        ("seed", "The uninterrupted run does not repeat: two runs of it differ at step 0"),
    ],
)
def test_no_answer_says_why(audit, forget, said):
    status, found, shown = audit(forget=forget)
    assert (status, found["verdict"]) == (3, "inconclusive")
    assert said in shown


def test_a_moment_without_a_checkpoint_is_refused(audit):
    status, _, shown = audit("--at", "3")
    assert status == 2
    assert "the run wrote checkpoints after these steps: 2, 4 and 6" in shown
    assert "the run has only 8 steps" in audit("--at", "9")[2]


def test_a_run_that_does_not_save_is_compared_too(audit):
    unsaved = f"{sys.executable} {PROGRAM} {{out}} saving"
    _, found, shown = audit("--at", "4", "--without-saving", unsaved)
    assert "The run without saving has the same bits." in found["tried"]
    assert "not tried a checkpoint" in shown
    assert "the run without saving" not in found["not_tried"]


def test_the_record_is_shown_again(audit, tmp_path):
    _, found, _ = audit("--at", "4", "--out", "kept")
    assert cli.main(["report", "kept", "--html", "page.html", "--junit", "junit.xml", "--json", "again.json"]) == 0
    assert json.loads((tmp_path / "again.json").read_text()) == found
    assert "data:image/svg+xml" in (tmp_path / "page.html").read_text()
    assert 'classname="samebits.audit"' in (tmp_path / "junit.xml").read_text()


def test_files_in_the_working_folder_are_copied_for_the_resumed_run(audit, tmp_path):
    (tmp_path / "mine").write_text("mine")
    status, found, _ = audit("--at", "4", command=(str(PROGRAM), "kept"))
    assert (status, found["moments"][0]["checkpoint"]["place"]) == (0, "work")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == ["kept", "mine", "result.json"]
