"""Golden files of real trials: equal, different, of an unknown machine or version, and when they are written."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import samebits
from samebits import cli, golden
from samebits.errors import NotFoundError, UsageError
from samebits.golden import environment
from samebits.golden.golden_file import read_golden
from samebits.reports import report_of_result
from samebits.reports.presenters import junit, terminal

TRIALS = 2
PROGRAM = """\
from samebits_probe import observe

value = {start}
for step in range({steps}):
    observe("loss", value, step=step)
    observe("weights", [value, 1.0], step=step)
    value *= 0.5
    {body}
"""


@pytest.fixture
def check(ask, tmp_path):
    """Function(update=False, start=1.0, steps=4, body="", **more) -> the result of a check of a program."""

    def run(*, update=False, start=1.0, steps=4, body="pass", **more):
        program = tmp_path / "work" / "program.py"
        program.write_text(PROGRAM.format(start=start, steps=steps, body=body))
        request = replace(ask("trains.py", overwrite=True, **more), command=[sys.executable, "program.py"])
        return golden.check(request, tmp_path / "g.samebits", update=update).result

    return run


def shown(result):
    return terminal.shown(report_of_result(result, None, {}), sys.stderr)


def test_the_same_program_equals_its_golden_file(check, tmp_path):
    with pytest.raises(NotFoundError, match="no golden file"):
        check()
    made = check(update=True)
    assert (made.verdict, made.golden.state, made.golden.trials) == ("repeated", "written", 2)
    text = (tmp_path / "g.samebits").read_text()
    again = check()
    assert (again.verdict, again.exit_code, again.golden.state, again.golden.steps) == ("repeated", 0, "equal", 4)
    assert "The same bits as" in shown(again)
    assert (tmp_path / "g.samebits").read_text() == text


def test_a_changed_program_differs_and_the_report_holds_the_block_to_paste(check, tmp_path):
    check(update=True)
    path = tmp_path / "g.samebits"
    before = path.read_text()
    found = check(body="value += 2**-20 * (step == 1)")
    assert (found.verdict, found.exit_code, found.golden.state) == ("diverged", 1, "differs")
    assert (found.golden.where, found.golden.step, found.golden.kind) == ("step 2 > forward", 2, "forward")
    assert "loss 0.25 then, 0.2500009536743164" in found.golden.size
    assert path.read_text() == before
    assert samebits.report(tmp_path / "record").golden == found.golden
    assert samebits.report(tmp_path / "record").verdict == "diverged"
    said = shown(found)
    assert "accept samebits check --golden" in said
    assert found.golden.paste.splitlines()[-1] in said
    assert "step 2 &gt; forward" in junit.render(report_of_result(found, None, {}))
    path.write_text(before.partition("\n\n")[0] + "\n\n" + found.golden.paste)
    assert check(body="value += 2**-20 * (step == 1)").golden.state == "equal"
    assert check(update=True).golden.sentence.endswith("Its bits changed: step 2 > forward differs.")
    assert check(update=True).golden.sentence.endswith("Its bits are as before.")


def test_what_follows_the_clock_is_asked_once_for_a_golden_file(check):
    prints = "import time; print('took', time.perf_counter())"
    assert len(check(update=True, body=prints).trials) == TRIALS + 2
    again = check(body=prints)
    assert (again.golden.state, len(again.trials)) == ("equal", TRIALS)


def test_another_machine_and_other_versions_give_no_answer(check, monkeypatch):
    check(update=True)
    here = environment.environment_of

    def new_processor(trial):
        found = here(trial)
        return found._replace(machine={**found.machine, "processor": "a new one"})

    def new_python(trial):
        found = here(trial)
        return found._replace(versions={**found.versions, "python": "3.99"})

    for changed, state, said in (
        (new_processor, "unknown", "the golden file has no block for this machine"),
        (new_python, "changed", "the golden file has no block for these versions: python was"),
    ):
        monkeypatch.setattr(environment, "environment_of", changed)
        found = check()
        assert (found.verdict, found.exit_code, found.golden.state) == ("inconclusive", 3, state)
        assert found.reason_code == "golden"
        assert said in found.reason
        assert "--update" in found.advice
        assert found.golden.paste
    assert "all bits are the same" in found.reason


def test_a_program_that_does_not_repeat_writes_nothing_and_is_not_compared(check, tmp_path):
    noise = "import os; value += os.urandom(1)[0]"
    found = check(update=True, body=noise, trials=3)
    assert (found.verdict, found.golden.state) == ("diverged", "refused")
    assert not (tmp_path / "g.samebits").exists()
    assert "The golden file was neither compared nor written" in shown(found)


def test_a_program_that_shows_nothing_is_no_golden_file(ask, tmp_path):
    found = golden.check(ask("never_steps.py"), tmp_path / "g", update=True).result
    assert (found.verdict, found.golden.state) == ("inconclusive", "refused")
    assert not (tmp_path / "g").exists()


def test_fewer_steps_compare_the_beginning_and_a_shorter_training_differs(check):
    check(update=True, steps=6)
    assert check(steps=5).golden.where == "step 5 > structure"


def test_a_file_of_the_first_steps_says_that_it_holds_no_more(ask, tmp_path):
    path = tmp_path / "g"
    golden.check(ask("trains.py", 9, out="one", steps=3), path, update=True)
    whole = golden.check(ask_again(ask, out="two"), path).result
    assert (whole.verdict, whole.golden.steps, whole.golden.scope) == ("repeated", 3, "prefix")
    assert "All 9 steps compared. The same bits as" in shown(whole)
    assert "in the first 3 steps." in shown(whole)
    shorter = golden.check(ask_again(ask, out="three", steps=2), path).result
    assert (shorter.golden.state, shorter.golden.steps) == ("equal", 2)


def ask_again(ask, **more):
    return ask("trains.py", 9, **more)


def test_a_metric_counts_if_it_is_asked_for_and_files_need_the_same_options(ask, tmp_path):
    path, metric = tmp_path / "g", {"accuracy": "accuracy: (.*)", "loss": "loss (.*)"}
    golden.check(ask("trains.py", 2, out="one", metrics=metric), path, update=True)
    assert golden.check(ask("trains.py", 2, out="two"), path).result.golden.state == "equal"
    found = golden.check(ask("trains.py", 2, out="three", metrics={"loss": "no such (.*)"}), path).result
    assert (found.golden.state, found.golden.detail) == ("differs", "metric loss: 0.75 then, nothing now")
    with pytest.raises(UsageError, match="made with different controls"):
        golden.check(ask("trains.py", 2, out="four", ignores=["*.log"]), path)


def test_other_controls_are_refused_before_anything_runs(check, tmp_path):
    check(update=True)
    with pytest.raises(UsageError, match="made with different controls"):
        check(controls=["threads"], out="never")
    assert not (tmp_path / "never").exists()


def test_the_command_line_writes_only_if_it_is_asked_even_in_ci(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "true")
    Path("program.py").write_text(PROGRAM.format(start=1.0, steps=4, body="pass"))
    words = ["--python", sys.executable, "program.py"]
    assert cli.main(["check", "--golden", "g", *words]) == 2
    assert not Path("g").exists()
    assert cli.main(["check", "--update", *words]) == 2
    assert cli.main(["check", "-n", "2", "--golden", "g", "--against", "r", *words]) == 2
    assert cli.main(["check", "-n", "3", "--golden", "g", "--update", *words]) == 0
    capsys.readouterr()
    assert cli.main(["check", "--golden", "g", "--json", "-", *words]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["golden"]["state"], result["golden"]["trials"], len(result["trials"])) == ("equal", 3, 2)
    (block,) = read_golden(Path("g")).blocks.values()
    assert block.environment.machine["threads"] == str(os.cpu_count())


GLOBAL_MODEL = """\
import numpy

class Net:
    pass

net = Net()
net.weight = numpy.full((2, 2), {start})
for step in range(3):
    net.weight = net.weight * 0.5
numpy.save("seen.npy", numpy.zeros(3))
"""


def test_a_model_in_a_global_variable_counts(ask, tmp_path):
    def run(start, out, **more):
        (tmp_path / "work" / "program.py").write_text(GLOBAL_MODEL.format(start=start))
        request = replace(ask("trains.py", out=out, artifacts=["*.npy"]), command=[sys.executable, "program.py"])
        return golden.check(request, tmp_path / "g", **more).result

    assert run(1.0, "one", update=True).golden.state == "written"
    assert run(1.0, "two").golden.state == "equal"
    assert run(2.0, "three").golden.where == "the end"
