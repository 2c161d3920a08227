"""The GitHub action: its body runs as on GitHub for every verdict, and its values reach no script."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import random
import sys

from samebits_probe import observe

value = 1.0
for step in range(5):
    observe("loss", value, step=step)
    observe("weights", [value], step=step)
    value += {more}
print("::error::a program says this")
sys.exit({status})
"""
OF_GITHUB = {"GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary"}


class Step:
    """One run of the step on GitHub."""

    def __init__(self, folder, more, status, inputs):
        work, self.temporary = folder / "work", folder / "temporary"
        work.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        (work / "train.py").write_text(PROGRAM.format(more=more, status=status))
        given = {"run": f"{sys.executable} train.py", "trials": "3", "strict": "false", **inputs}
        environment = {
            **os.environ,
            **{f"SAMEBITS_{name.upper()}": value for name, value in given.items()},
            **{name: str(folder / file) for name, file in OF_GITHUB.items()},
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_WORKSPACE": str(work),
            "GITHUB_JOB": "training",
        }
        words = [sys.executable, str(ROOT / ".ci" / "github_action.py")]
        done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, timeout=300)
        self.status, self.log = done.returncode, done.stdout + done.stderr
        paths = folder / "summary", folder / "output"
        self.summary, self.output = (path.read_text() if path.exists() else "" for path in paths)

    @property
    def annotations(self):
        """The commands to GitHub, without those that a program printed."""
        outside = re.sub(r"^::stop-commands::(\w+)\n.*?^::\1::\n", "", self.log, flags=re.DOTALL | re.MULTILINE)
        return re.findall(r"^::(\w+) (.*?)::(.*)$", outside, flags=re.MULTILINE)

    def outputs(self):
        return dict(line.split("=", 1) for line in self.output.splitlines())


@pytest.fixture
def step(tmp_path):
    return lambda more="0.5", status=0, **inputs: Step(tmp_path, more, status, inputs)


def test_a_training_that_repeats_gives_status_0_a_summary_and_a_page(step):
    found = step(steps="4")
    assert found.status == 0
    assert "SAME BITS" in found.log
    assert found.summary.startswith("## = SAME BITS")
    if not shutil.which("nvidia-smi"):
        assert "GPU kernels were not tested: this runner has no GPU." in found.summary
    outputs = found.outputs()
    assert outputs["verdict"] == "repeated"
    assert Path(outputs["page"]).read_text().startswith("<!doctype html>")
    assert re.fullmatch(r"samebits-training-\w{8}", outputs["artifact"])
    ((level, _, said),) = found.annotations
    assert (level, "the first 4 steps have the same bits" in said) == ("notice", True)


def test_a_divergence_gives_status_1_the_cause_and_an_annotation_at_the_line(step):
    found = step("random.random()")
    assert found.status == 1
    assert "python-seed" in found.summary
    (first, *_) = found.annotations
    assert first[0] == "error"
    assert re.search(r"file=train\.py,line=\d+,title=samebits", first[1]), first
    assert "diverge at step" in first[2]
    assert found.outputs()["verdict"] == "diverged"


def test_no_answer_gives_status_3_and_a_warning(step):
    found = step(status="3")
    assert (found.status, found.annotations[0][0]) == (3, "warning")
    assert "inconclusive" in found.output


def test_a_wrong_input_gives_status_2_and_an_error(step):
    found = step(trials="many")
    assert (found.status, found.summary, found.output) == (2, "", "")
    assert found.annotations == [
        ("error", "title=samebits", "samebits could not check: the log of this step says why.")
    ]
    assert "many" in found.log


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("run", "python 'train.py", "a quotation mark is not closed in the input run: python 'train.py"),
        ("strict", "yes", "the input strict is 'yes'; write true or false."),
        ("comment", "yes", "the input comment is 'yes'; write true or false."),
    ],
)
def test_an_input_that_nobody_can_read_gives_status_2_and_an_error(step, name, value, said):
    found = step(**{name: value})
    assert found.status == 2
    assert found.annotations == [("error", "title=samebits", f"samebits could not check: {said}")]


def test_a_golden_file_that_differs_gives_status_1_without_a_search_for_a_cause(step, tmp_path):
    words = [sys.executable, "-m", "samebits", "check", "-n", "2", "--golden", "g.samebits", "--update", "--"]
    step()
    done = subprocess.run([*words, sys.executable, "train.py"], cwd=tmp_path / "work", capture_output=True)
    assert done.returncode == 0
    assert step(golden="g.samebits").status == 0
    found = step("0.25", golden="g.samebits")
    assert (found.status, found.annotations[0][0]) == (1, "error")
    assert "g.samebits" in found.annotations[0][2]
    assert "WHY" not in found.log


def test_strict_and_words_with_shell_characters_reach_samebits_unchanged(step, tmp_path):
    found = step(run=f"{sys.executable} train.py '$(touch made)' ';' `touch made`", strict="true")
    assert found.status in (0, 3)
    assert not list(tmp_path.rglob("made"))


def test_no_script_of_the_action_holds_an_input():
    text = (ROOT / "action.yml").read_text()
    scripts = re.findall(r"^ *(?:- )?run: (?!\{)(.*)$", text, flags=re.MULTILINE)
    assert len(scripts) == 3
    assert [script for script in scripts if "${{" in script] == []
    inputs = re.findall(r"^  (\w+): \{description", text.partition("\noutputs:")[0], flags=re.MULTILINE)
    assert inputs == ["run", "trials", "steps", "golden", "strict", "comment", "token"]
    check, comment = (part.partition("      run: ")[0] for part in text.split("      env:\n")[1:])
    given = [re.findall(r"SAMEBITS_(\w+): \$\{\{ inputs\.(\w+) \}\}", part) for part in (check, comment)]
    assert given == [[(name.upper(), name) for name in names] for names in (inputs[:-1], ["run", "token"])]


def test_the_action_has_the_form_that_github_asks_for():
    program = shutil.which("action-validator")
    if program is None:
        pytest.skip("action-validator is not installed: npm install -g @action-validator/core @action-validator/cli")
    done = subprocess.run([program, str(ROOT / "action.yml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
