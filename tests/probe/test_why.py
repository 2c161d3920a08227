"""why on real processes: check, cause and patch in one command."""

import json
import sys

import pytest

from samebits.cli import main

FLIPS = """\
import random

from samebits_probe import observe

weight = 0.0
for step in range(3):
    weight += random.random()
    observe("weight", weight, step=step)
"""


@pytest.fixture
def why(tmp_path, monkeypatch, capsys):
    """Function(text, *words) -> exit status and standard output of `samebits why` for a program with this text."""
    monkeypatch.chdir(tmp_path)

    def ask(text, *words):
        (tmp_path / "train.py").write_text(text)
        status = main(["why", *words, "--", sys.executable, "train.py"])
        return status, capsys.readouterr().out

    return ask


def test_one_command_says_why_and_shows_the_patch(why, tmp_path):
    status, said = why(FLIPS, "-n", "3")
    assert status == 1
    places = [said.index(part) for part in ("DIFFERENT BITS", "WHY: python-seed", "PATCH: ", "+random.seed(")]
    assert places == sorted(places)
    assert said.count("any seed will do: 2019 is samebits' own") == 1
    assert (tmp_path / "train.py").read_text() == FLIPS


SEEDED_ELSEWHERE = FLIPS.replace("weight = 0.0", "other = random.Random(42)\nweight = 0.0")


def test_explain_shows_what_fix_writes_and_explains_its_seed_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SEEDED_ELSEWHERE)
    assert main(["explain", "-n", "3", "--out", "record", "--", sys.executable, "train.py"]) == 1
    said = capsys.readouterr().out
    assert "paste  in train.py, before line 4:\n            random.seed(42)\n" in said
    assert said.count("42 is the program's own seed (train.py:5)") == 1
    assert main(["fix", "record"]) == 0
    assert "+random.seed(42)" in capsys.readouterr().out
    found = json.loads((tmp_path / "record" / "result.json").read_text())["explanation"]["fixes"]
    assert [fix["lines"] for fix in found] == [["random.seed(42)"]]


def test_with_apply_the_trials_repeat(why, tmp_path):
    status, said = why(FLIPS, "-n", "3", "--apply")
    assert (status, "FIXED" in said) == (0, True)
    assert "random.seed(" in (tmp_path / "train.py").read_text()


def test_without_a_cause_there_is_no_second_answer(why):
    status, said = why(FLIPS.replace("random.random()", "int.from_bytes(open('/dev/urandom', 'rb').read(4), 'big')"))
    assert (status, "Outside the known controls" in said, "PATCH" in said) == (1, True, False)


def test_a_training_that_repeats_has_no_cause(why):
    status, said = why(FLIPS.replace("random.random()", "0.5"), "-n", "3")
    assert (status, "SAME BITS" in said, "PATCH" in said) == (0, True, False)


def test_a_program_that_fails_gets_no_answer(why):
    status, said = why("import sys\nsys.exit(3)\n", "-n", "3")
    assert (status, "NO ANSWER" in said, "PATCH" in said) == (3, True, False)


def test_only_the_document_stands_on_standard_output(why):
    status, said = why(FLIPS, "-n", "3", "--json", "-")
    document = json.loads(said)
    assert (status, document["verdict"]) == (1, "diverged")
    assert document["explanation"]["cause"] == ["python-seed"]
