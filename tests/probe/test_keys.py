"""Values that a program observes under keys: the report names the first key at which trials differ."""

import json
import subprocess
import sys

import pytest

LEARNER = """
import os, sys
from samebits_probe import observe
trial, weight = int(sys.argv[1]), 0.0
for step in range(1200):
    weight += 0.5
    observe("batch", step, step=step)
    observe("weights", weight, step=step)
    if step % 300 == 299:
        number = step // 300
        other = {other}
        observe("batch/chosen", [number, other], key="round %d" % number)
        observe("batch/pool", b"the same", key="round %d" % number)
"""


def check(folder, text, *words):
    """Check a program; gives the JSON result and what the terminal shows."""
    (folder / "learner.py").write_text(text)
    command = [sys.executable, "-m", "samebits", "check", "-n", "3", *words, "--json", "out.json", "--overwrite"]
    command += ["--out", "record", "--", sys.executable, "learner.py", "{trial}"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return json.loads((folder / "out.json").read_text()), done.stdout


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """Trial 3 chooses differently from round 2 on, in a step of which a long trace keeps digests."""
    folder = tmp_path_factory.mktemp("keys")
    return folder, *check(folder, LEARNER.replace("{other}", "trial if trial == 3 and number > 1 else 0"), "--full")


def test_the_first_key_at_which_trials_differ_is_named(diverged):
    _, result, said = diverged
    assert result["keyed"] == [
        {"name": "batch/chosen", "keys": 4, "key": "round 2", "trials": [3]},
        {"name": "batch/pool", "keys": 4, "key": None, "trials": []},
    ]
    assert result["verdict"] == "diverged"
    assert result["divergence"]["kind"] == "batch"
    assert "batch/chosen differs first at round 2, in trial 3" in said
    assert "batch/pool is the same at all 4 keys" in said


def test_every_report_names_the_key(diverged):
    folder, _, _ = diverged
    command = [sys.executable, "-m", "samebits", "report", "--md", "r.md", "--html", "r.html", "record"]
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    for name in ("r.md", "r.html"):
        assert "differs first at round 2, in trial 3" in (folder / name).read_text().replace("\\", "")


def test_a_key_counts_no_step_and_is_compared_beyond_the_first_divergence(tmp_path):
    text = LEARNER.replace("weight += 0.5", "weight += trial").replace("{other}", "trial * (number == 3)")
    result, _ = check(tmp_path, text, "--full")
    assert [trial["steps"] for trial in result["trials"]] == [1200] * 3
    assert (result["divergence"]["step"], result["divergence"]["kind"]) == (0, "update")
    assert result["keyed"][0] == {"name": "batch/chosen", "keys": 4, "key": "round 3", "trials": [2, 3]}


def test_trials_whose_keys_agree_repeat(tmp_path):
    result, said = check(tmp_path, LEARNER.replace("{other}", "0"), "--full")
    assert result["verdict"] == "repeated"
    assert "batch/chosen is the same at all 4 keys" in said


def test_a_step_and_a_key_together_are_refused(tmp_path):
    text = "from samebits_probe import observe\nobserve('x', 1, step=0)\nobserve('x', 1, step=1, key='a')\n"
    _, said = check(tmp_path, text)
    assert "give a step or a key, not both" in said
