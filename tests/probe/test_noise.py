"""Noise on a tiny real program: what seeds add, what does not repeat, and the record that keeps both."""

import json
import sys

import pytest

from samebits import cli

PROGRAM = """
import os, random, sys
level = random.Random(int(sys.argv[1])).gauss(0.9, 0.01)
moved = os.getpid() % 1009 / 150_000 if "moves" in sys.argv else 0
for case in range(3):
    print("image", case, level + case / 10)
print("dice", level + moved)
"""


def test_a_program_that_repeats_has_a_floor_of_zero_and_its_seeds_vary(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    words = ["--metric", r"dice=dice (\S+)", "--cases", r"image=image (\d) (\S+)", "--seeds", "1,2", "-n", "2"]
    status = cli.main(["noise", *words, "--python", sys.executable, "--out", "out", "--json", "noise.json", "--",
                       "python", "train.py", "{seed}"])  # fmt: skip
    assert status == 0
    document = json.loads((tmp_path / "noise.json").read_text())
    dice = next(one for one in document["metrics"] if one["name"] == "dice")
    image = next(one for one in document["metrics"] if one["name"] == "image")
    assert [one["trainings"] for one in document["metrics"]] == [4, 4]
    assert dice["same_seed"] == 0
    assert dice["other_seeds"] > 0
    assert image["other_cases"] > 0
    assert document["seed_by"] == "{seed} in the command"
    capsys.readouterr()
    assert cli.main(["report", "out"]) == 0
    assert "other seeds" in capsys.readouterr().out
    assert cli.main(["report", "out/seed-1"]) in (0, 3)


def test_a_metric_that_nobody_prints_has_one_exit_status_everywhere(tmp_path, monkeypatch, capsys):
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('dice', 0.5)\n")
    words = ["--metric", "loss=loss (.*)", "-n", "2", "--python", sys.executable]
    assert cli.main(["check", *words, "--out", "checked", "--", "python", "train.py"]) == 3
    capsys.readouterr()
    for name, *rest in (["noise", "checked"], ["versus", "checked", "checked"],
                        ["versus", *words, "--out", "out", "python train.py", "python train.py 2"]):  # fmt: skip
        assert cli.main([name, "--json", "answer.json", *rest]) == 3
        assert "its pattern matched nothing" in capsys.readouterr().out
        answer = json.loads((tmp_path / "answer.json").read_text())
        assert (answer["verdict"], answer["metrics"]) == ("inconclusive", [])
    assert not (tmp_path / "out" / "b").exists()


@pytest.mark.parametrize(
    ("b", "said"), [("python not_there.py", "not_there.py"), ("no-such-program b.py", "no-such-program")]
)
def test_a_fault_in_b_is_found_before_a_is_trained(tmp_path, monkeypatch, capsys, b, said):
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("open('trained', 'w')\nprint('dice', 0.5)\n")
    words = ["--metric", r"dice=dice (\S+)", "-n", "2", "--python", sys.executable, "--out", "out"]
    assert cli.main(["versus", *words, "python a.py", b]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "trained").exists()


def test_two_commands_are_trained_and_compared_and_their_records_can_be_compared_again(tmp_path, monkeypatch, capsys):
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("import sys\nprint('dice', int(sys.argv[1]) / 10)\n")
    (tmp_path / "b.py").write_text("import sys\nprint('dice', int(sys.argv[1]) / 9 + 0.1)\n")
    words = ["--metric", r"dice=dice (\S+)", "--seeds", "1,2,3,4,5", "-n", "2", "--python", sys.executable]
    sides = ["python a.py {seed}", "python b.py {seed}"]
    assert cli.main(["versus", *words, "--out", "out", *sides]) == 0
    said = capsys.readouterr().out
    assert "B is better" in said
    assert "pairs of seeds: 5; t, paired" in said
    assert cli.main(["versus", "out/a", "out/b"]) == 0
    assert "B is better" in capsys.readouterr().out
