"""The plugin for pytest, in tests of projects that pytester makes: when a test passes, fails and skips, and what it says."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from samebits.golden import environment

pytest_plugins = ["pytester"]

PROGRAM = """\
import os, sys
from samebits_probe import observe

value = 1.0
for step in range(30):
    observe("loss", value, step=step)
    observe("weights", [value, 1.0], step=step)
    value *= 0.5
    {body}
"""
NOISE = "value += os.urandom(1)[0]"
TEST = """
import pytest

@pytest.mark.samebits(trials=2, steps=20)
def test_trains(samebits):
    assert samebits.check("train.py").verdict == "repeated"
"""
GOLDEN = "__samebits__/test_it/test_trains.samebits"
HEAD = "import pytest\n\n@pytest.mark.samebits"


@pytest.fixture
def run(pytester, monkeypatch):
    """Function(*options, body="pass", test=TEST) -> the result of pytest in a project with one test."""
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini("[pytest]\n")

    def result(*options, body="pass", test=TEST):
        pytester.makefile(".py", train=PROGRAM.format(body=body))
        pytester.makepyfile(test_it=test)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rsf", *options)

    return result


def test_without_the_option_the_test_skips_and_nothing_runs(run, pytester):
    found = run()
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["*the test runs trainings: give --samebits, or*"])
    assert not (pytester.path / ".samebits").exists()


def test_the_option_of_the_file_is_enough_and_so_is_the_fixture(run, pytester):
    test = 'def test_trains(samebits):\n    samebits.check("train.py", trials=2)\n'
    run(test=test).assert_outcomes(skipped=1)
    pytester.makeini("[pytest]\nsamebits = true\n")
    found = run(test=test)
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["samebits: golden files missing; pytest --samebits-update writes them: 1"])


def test_a_golden_file_is_written_on_request_then_compared(run, pytester):
    path = pytester.path / GOLDEN
    found = run("--samebits-update")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["samebits: golden files written: 1"])
    assert "\nscope: 20\n" in path.read_text()
    run("--samebits").assert_outcomes(passed=1)
    found = run("--samebits", body="value *= 1 + 2**-40")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(
        [
            "!= DIFFERENT BITS: *",
            "*accept*pytest --samebits-update test_it.py::test_trains",
            "FAILED*!= DIFFERENT BITS*",
        ]
    )
    run("--samebits-update", body="value *= 1 + 2**-40").assert_outcomes(passed=1)
    run("--samebits", body="value *= 1 + 2**-40").assert_outcomes(passed=1)


def test_only_the_selected_tests_are_written_and_nothing_is_deleted(run, pytester):
    other = pytester.path / "__samebits__" / "test_it" / "of_a_test_that_went.samebits"
    other.parent.mkdir(parents=True)
    other.write_text("anything")
    two = TEST + '\ndef test_more(samebits):\n    samebits.check("train.py", trials=2)\n'
    run("--samebits-update", "-k", "test_more", test=two).assert_outcomes(passed=1, deselected=1)
    assert {path.name for path in other.parent.iterdir()} == {other.name, "test_more.samebits"}


def test_a_training_that_does_not_repeat_fails_with_the_report(run, pytester):
    found = run("--samebits", "--junit-xml=j.xml", body=NOISE)
    found.assert_outcomes(failed=1)
    lines = found.stdout.lines
    at = next(place for place, line in enumerate(lines) if line.startswith("!= DIFFERENT BITS: 2 trials"))
    assert "where" in "".join(lines[at : at + 5])
    assert "Traceback" not in found.stdout.str()
    properties = {one.get("name"): one.get("value") for one in ET.parse(pytester.path / "j.xml").iter("property")}
    assert (properties["samebits"], properties["samebits.golden"]) == ("diverged", "missing")
    assert (pytester.path / ".samebits/pytest/test_it/test_trains/record.json").samefile(
        f"{properties['samebits.record']}/record.json"
    )


def test_in_ci_a_missing_golden_file_fails_before_anything_runs(run, pytester, monkeypatch):
    monkeypatch.setenv("CI", "true")
    found = run("--samebits")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*There is no golden file*", "*pytest --samebits-update test_it.py::test_trains*"])
    assert not list(pytester.path.rglob("record.json"))
    run("--samebits", test=TEST.replace("(trials", "(golden=False, trials")).assert_outcomes(passed=1)


def test_a_golden_file_of_another_machine_skips_and_fails_if_strict(run, monkeypatch):
    run("--samebits-update").assert_outcomes(passed=1)
    here = environment.environment_of

    def new_processor(trial):
        found = here(trial)
        return found._replace(machine={**found.machine, "processor": "a new one"})

    monkeypatch.setattr(environment, "environment_of", new_processor)
    found = run("--samebits")
    found.assert_outcomes(skipped=1)
    found.stdout.fnmatch_lines(["*the golden file has no block for this machine (processor was*"])
    found = run("--samebits-strict")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["[?]  NO ANSWER*", "*do this*pytest --samebits-update test_it.py::test_trains"])


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (f"{HEAD}\ndef test_trains():\n    pass\n", "*has the marker samebits, but it checked no training.*"),
        (f"{HEAD}\ndef test_trains(samebits):\n    pass\n", "*has the marker samebits, but it checked no training.*"),
        (f"{HEAD}(3)\ndef test_trains(samebits):\n    samebits.check('train.py')\n", "*an option without a name.*"),
        (
            f"{HEAD}(trails=3)\ndef test_trains(samebits):\n    samebits.check('train.py')\n",
            "*no option 'trails' here*",
        ),
        ("def test_trains(samebits):\n    samebits.check('gone.py')\n", "*gone.py*"),
        ("def test_trains(samebits):\n    samebits.check()\n", "*takes the words of a command, one by one.*"),
        (
            "def test_trains(samebits):\n    samebits.check(['python', 'train.py'])\n",
            "*takes the words of a command, one by one.*",
        ),
        (
            "def test_trains(samebits):\n    samebits.check('train.py', golden='g.samebits')\n",
            "*golden is 'g.samebits', but the golden file of a test has a fixed place.*",
        ),
    ],
)
def test_a_mistake_in_a_test_fails_with_a_sentence(run, test, said):
    found = run("--samebits", test=test)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines([said])
    assert "Traceback" not in found.stdout.str()
    assert "another exception" not in found.stdout.str()


def test_a_marked_test_that_skips_itself_is_skipped(run):
    test = f"{HEAD}\ndef test_trains(samebits):\n    pytest.skip('no data')\n"
    run("--samebits", test=test).assert_outcomes(skipped=1)


def test_each_check_of_a_test_has_its_own_golden_file_and_names_cannot_leave_the_folder(run, pytester):
    run(
        "--samebits-update",
        test="""
import pytest

@pytest.mark.samebits(trials=2)
class TestIt:
    @pytest.mark.samebits(steps=3)
    @pytest.mark.parametrize("name", ["a/../..", "b" * 150])
    def test_trains(self, samebits, name):
        samebits.check("train.py")
        samebits.check("train.py", steps=4)
""",
    ).assert_outcomes(passed=2)
    folder = pytester.path / "__samebits__" / "test_it" / "TestIt"
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == ["test_trains[a%2F..%2F..]-2.samebits", "test_trains[a%2F..%2F..].samebits"]
    assert len(names) == 4
    assert all(len(name) < 150 for name in names)
    assert [path for path in pytester.path.rglob("*?.samebits") if path.parent != folder] == []


def test_variables_of_pytest_and_coverage_do_not_reach_trials(run, monkeypatch):
    monkeypatch.setenv("COV_CORE_SOURCE", "x")
    monkeypatch.setenv("COVERAGE_RCFILE", "x")
    monkeypatch.setenv("MY_VARIABLE", "x")
    bad = "assert not [n for n in os.environ if n.startswith(('PYTEST', 'COV'))] and os.environ['MY_VARIABLE']"
    run("--samebits", body=bad).assert_outcomes(passed=1)
    assert os.environ["COV_CORE_SOURCE"] == "x"


def test_workers_of_xdist_take_turns(run, pytester):
    pytest.importorskip("xdist")
    test = TEST + '\ndef test_more(samebits):\n    samebits.check("train.py", trials=2)\n'
    pytester.makefile(".py", train=PROGRAM.format(body="pass"))
    pytester.makepyfile(test_it=test)
    found = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n2", "--samebits-update")
    found.assert_outcomes(passed=2)
    found.stdout.fnmatch_lines(["samebits: golden files written: 2"])


def test_pytest_starts_without_the_rest_of_samebits():
    code = "import sys, samebits.pytest_plugin; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = ("numpy", "pydantic", "samebits.api", "samebits.options", "click")
    assert [name for name in heavy if f"'{name}'" in done.stdout] == []
