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


LATE = str(PROGRAM.with_name("saves_after_sigterm.py"))


@pytest.mark.parametrize(("forget", "verdict"), [("nothing", "repeated"), ("moment after SIGTERM", "diverged")])
def test_a_run_that_saves_after_sigterm_is_resumed_from_that_save(audit, forget, verdict):
    _, found, shown = audit("--stop", "term", "--at", "4", command=(LATE, "{out}"), forget=forget)
    moment = found["moments"][0]
    assert (moment["verdict"], moment["offset"] > 4) == (verdict, True)
    assert f"The checkpoint is of step {moment['offset']}, not 4." in moment["named"]
    assert ("forgot exactly: numbers of the program" in shown) == (verdict == "diverged")


@pytest.fixture
def audit_record(audit, tmp_path, capsys):
    """Function(folder, forget, *options) -> (exit status, JSON, what was shown) of an audit of a record."""

    def run(folder, forget, *options):
        resume = f"{sys.executable} {LATE} {{out}} {forget} {{checkpoint}}"
        status = cli.main(["audit", *options, "--resume", resume, "--json", "again.json", folder])
        found, shown = tmp_path / "again.json", capsys.readouterr()
        return status, json.loads(found.read_text()) if found.exists() else None, shown.out + shown.err

    return run


def test_the_uninterrupted_run_of_a_check_is_taken(audit_record, capsys, tmp_path):
    command = [sys.executable, LATE, "{out}", "nothing"]
    assert cli.main(["check", "-n", "2", "--out", "checked", "--", *command]) == 0
    status, found, shown = audit_record("checked", "nothing", "--windows", "2", "--length", "2")
    assert (status, found["verdict"]) == (0, "repeated")
    assert {name.partition(" ")[0] for name in found["made"]} == {"checked", "resumed-4", "resumed-12"}
    assert "holds values of each step, but not the state" in shown
    assert audit_record("checked", "moment", "--at", "8", "--length", "2")[0] == 1
    status = cli.main(["audit", "checked"])
    assert (status, "so --resume must name {checkpoint}" in capsys.readouterr().err) == (2, True)
    for path in (tmp_path / "checked").glob("trials/*/out/*"):
        path.rename(path.with_name("state"))
    status, _, shown = audit_record("checked", "nothing")
    assert (status, "holds no file in {out} whose name has the number of a step" in shown) == (2, True)


def test_the_runs_of_an_earlier_audit_are_taken(audit, audit_record):
    audit("--at", "4,8", "--length", "2", "--out", "first", command=(LATE, "{out}", "nothing"))
    status, found, _ = audit_record("first", "moment", "--at", "8", "--length", "2")
    assert (status, found["moments"][0]["graft"]["parts"]) == (1, ["numbers of the program"])
    assert found["made"] == {"whole 1": 14, "whole 2": 14, "resumed-8 1": 2, "graft-8-1 1": 2, "cold-8 1": 2}
    assert "the run wrote checkpoints after these steps: 4 and 8" in audit_record("first", "moment", "--at", "12")[2]


def test_a_budget_that_is_used_up_leaves_moments_out(audit):
    status, found, _ = audit("--budget", "0.001s")
    assert (status, found["moments"]) == (3, [])
    assert "the checkpoint of step 2, for which --budget leaves no time" in found["not_tried"]
