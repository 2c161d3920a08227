"""The functions of samebits on real programs: each gives what its command gives, and prints nothing."""

import json
import subprocess
import sys

import pytest

import samebits

SEEDED = """import sys
import samebits_probe
for step in range(3):
    samebits_probe.observe("batch/x", float(step), step=step)
    samebits_probe.observe("weights/w", float(step + len(sys.argv)), step=step)
print(sys.executable)
"""
UNSEEDED = """import random
import samebits_probe
for step in range(2):
    drawn = random.random()
    samebits_probe.observe("batch/x", drawn, step=step)
    samebits_probe.observe("weights/w", 1.0 + drawn, step=step)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two programs, which is the current one."""
    (tmp_path / "seeded.py").write_text(SEEDED)
    (tmp_path / "unseeded.py").write_text(UNSEEDED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_says_what_the_command_says_and_prints_nothing(here, capfd):
    result = samebits.check("unseeded.py", trials=2, out="r")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert (result.verdict, result.exit_code, result.record) == ("diverged", 1, str(here / "r"))
    assert (result.divergence.step, result.divergence.kind, result.divergence.name) == (0, "batch", "batch/x")
    command = [sys.executable, "-m", "samebits", "report", "--json", "-", "r"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    told = json.loads(done.stdout)
    assert done.returncode == result.exit_code
    assert (told["sentence"], told["divergence"]["name"]) == (result.sentence, "batch/x")


def test_a_program_that_repeats_a_control_and_a_setup_of_its_own(here):
    result = samebits.check(["unseeded.py"], trials=2, controls=["python-seed"], seed=7, out=here / "held")
    assert (result.verdict, result.exit_code, result.divergence) == ("repeated", 0, None)
    assert [(control.id, control.effect) for control in result.setup.controls] == [("python-seed", "held")]
    assert result.setup.seed == 7
    cut = samebits.check("seeded.py", trials=2, steps=1)
    assert (cut.verdict, cut.scope.kind, cut.scope.steps_compared) == ("repeated", "prefix", 1)


def test_a_script_runs_with_the_python_that_calls_and_in_the_folder_that_is_named(here, monkeypatch):
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    recorded = samebits.record("seeded.py", directory=here)
    assert (recorded.exit_code, recorded.trial.status, recorded.folder.parent) == (0, "complete", here / ".samebits")
    printed = (recorded.folder / "trials" / "001" / "stdout.txt").read_text()
    assert printed.strip() == sys.executable


def test_records_are_compared_added_to_and_shown_again(here):
    recorded = samebits.record("seeded.py", out="first")
    assert recorded.folder == here / "first"
    same = samebits.check("seeded.py", trials=2, against="first", out="second")
    assert (same.verdict, same.groups) == ("repeated", [[1, 2]])
    other = samebits.check(["seeded.py", "changed"], trials=2, against=recorded.folder)
    assert (other.verdict, other.divergence.name) == ("diverged", "weights/w")
    both = samebits.compare("first", other.record)
    assert (both.verdict, both.exit_code) == ("diverged", 1)
    more = samebits.add("first", 2)
    assert (more.verdict, more.groups) == ("repeated", [[1, 2, 3]])
    again = samebits.report("first", json="r.json", html="r.html", md="r.md", junit="r.xml")
    assert (again.verdict, again.sentence) == (more.verdict, more.sentence)
    assert json.loads((here / "r.json").read_text())["sentence"] == more.sentence
    assert all((here / f"r.{name}").stat().st_size for name in ("html", "md", "xml"))


def test_explain_takes_a_command_or_a_record(here):
    by_command = samebits.explain("unseeded.py", trials=2, jobs=2, out="r", json="r.json")
    assert by_command.explanation.cause == ["python-seed"]
    assert json.loads((here / "r.json").read_text())["explanation"]["cause"] == ["python-seed"]
    checked = samebits.check("unseeded.py", trials=2, out="s")
    assert checked.explanation is None
    by_record = samebits.explain(checked.record)
    assert (by_record.exit_code, by_record.explanation.cause) == (1, ["python-seed"])


def test_locate_of_what_repeats_has_no_location(here):
    result = samebits.locate("seeded.py", trials=2)
    assert (result.verdict, result.location) == ("repeated", None)
    assert samebits.locate(result.record).location is None


def test_after_a_function_the_files_of_the_last_whole_trial_are_in_the_folder(here):
    (here / "unseeded.py").write_text(UNSEEDED + "open('left.txt', 'w').write(str(drawn))\n")
    result = samebits.locate("unseeded.py", trials=2, full=True)
    assert result.location is not None
    assert (here / "left.txt").exists()
    assert not (here / ".samebits" / "apart").exists()


def test_a_program_that_fails_is_a_result_and_not_an_error(here):
    (here / "fails.py").write_text("raise SystemExit('no data')\n")
    result = samebits.check("fails.py", trials=2)
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert "exit status 1" in result.reason
    assert samebits.record("fails.py").exit_code == 3


def test_progress_is_told_how_trials_go(here):
    class Told(samebits.Progress):
        ended = ()

        def trial_ended(self, number, status, steps, seconds):
            self.ended += ((number, status, steps),)

    told = Told()
    samebits.check("seeded.py", trials=2, progress=told)
    assert sorted(told.ended) == [(1, "complete", 3), (2, "complete", 3)]


def test_functions_can_be_called_again_after_their_modules_were_imported(here):
    """`samebits.comparison` and the like must not take the place of a function."""
    first = samebits.check("seeded.py", trials=2, out="r")
    assert samebits.compare(first.record, samebits.record("seeded.py").folder).verdict == "repeated"
    assert samebits.check("seeded.py", trials=2, out="r", overwrite=True).verdict == "repeated"
