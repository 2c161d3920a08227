"""Records of real runs, from the command line to every report and back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAME = "import samebits_probe\nfor k in range(40):\n    samebits_probe.observe('w', b'%d' % k, step=k)\n"
PARTS = SAME.replace("b'%d' % k", "__import__('os').urandom(4) if k >= 30 else b'%d' % k")
SLOW = SAME.replace("    samebits", "    import time; time.sleep(0.05)\n    samebits")


def samebits(folder, *words):
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    environment.pop("NO_COLOR", None)
    return subprocess.run(
        [sys.executable, "-m", "samebits", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with two programs, and a record of each."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "same.py").write_text(SAME)
    (folder / "parts.py").write_text(PARTS)
    for name in ("same", "parts"):
        done = samebits(folder, "check", "-n", "3", "--models", "--out", name, "--json", f"{name}.json", f"{name}.py")
        (folder / f"{name}.out").write_text(done.stdout)
        assert "samebits: 3 trials, up to 20 steps each, more if steps are quick" in done.stderr.splitlines()
    return folder


def test_a_divergence_is_shown_with_its_step(runs):
    text = (runs / "parts.out").read_text()
    assert text.startswith("!= DIFFERENT BITS: 3 trials, 3 models. They diverge at step 30.")
    assert "where  step 30 > " in text
    assert "samebits report parts --html page.html" in text
    assert json.loads((runs / "parts.json").read_text())["verdict"] == "diverged"


@pytest.mark.parametrize("name", ["same", "parts"])
def test_report_judges_the_record_as_check_did(runs, name, tmp_path):
    kept = json.loads((runs / f"{name}.json").read_text())
    done = samebits(runs, "report", name, "--json", str(tmp_path / "again.json"))
    again = json.loads((tmp_path / "again.json").read_text())
    assert done.returncode == {"repeated": 0, "diverged": 1, "inconclusive": 3}[kept["verdict"]]
    assert again == kept
    assert done.stdout.splitlines()[1:2] == (runs / f"{name}.out").read_text().splitlines()[1:2]


def test_report_makes_every_form(runs, tmp_path):
    files = {option: tmp_path / f"report.{option}" for option in ("html", "md", "junit", "json")}
    words = [word for option, path in files.items() for word in (f"--{option}", str(path))]
    done = samebits(runs, "report", "parts", *words)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    starts = {"html": "<!doctype html>", "md": "## ", "junit": "<?xml", "json": "{"}
    for option, path in files.items():
        assert path.read_text().startswith(starts[option])


@pytest.mark.parametrize("name", ["same", "parts"])
def test_what_a_check_writes_fits_its_schemas(runs, fits_schema, name):
    fits_schema("result", (runs / f"{name}.json").read_text())
    for document in ("result", "record", "trial", "files"):
        found = list((runs / name).rglob(f"{document}.json"))
        assert found
        for path in found:
            fits_schema(document, path.read_text())


def test_standard_output_holds_the_result_only(runs, tmp_path):
    done = samebits(runs, "check", "-n", "2", "--out", str(tmp_path / "r"), "--json", "-", "--", "python", "parts.py")
    assert json.loads(done.stdout)["verdict"] == "diverged"
    assert "DIFFERENT BITS" in done.stderr
    assert done.returncode == 1


def test_two_records_are_judged_as_one(runs):
    done = samebits(runs, "compare", "same", "parts", "--json", "-")
    result = json.loads(done.stdout)
    assert [trial["id"] for trial in result["trials"]] == [1, 2, 3, 4, 5, 6]
    assert result["verdict"] in ("diverged", "inconclusive")
    assert any("the records differ in command" in warning for warning in result["warnings"])
    assert not any("PYTHONPATH" in warning for warning in result["warnings"])  # each record has a probe of its own


def test_a_record_that_is_there_is_refused(runs):
    done = samebits(runs, "check", "-n", "2", "--out", "same", "same.py")
    assert done.returncode == 2
    assert "--overwrite" in done.stderr


def test_a_recorded_run_is_added_to_and_compared_with(runs, tmp_path):
    done = samebits(runs, "record", "--out", str(tmp_path / "one"), "same.py")
    assert done.returncode == 0, done.stderr
    assert f"Recorded in {tmp_path / 'one'}" in done.stdout
    assert f"samebits check --against {tmp_path / 'one'} -- python same.py   (after a change)" in done.stdout
    against = samebits(runs, "check", "-n", "2", "--against", str(tmp_path / "one"), "--json", "-", "--out",
                       str(tmp_path / "two"), "same.py")  # fmt: skip
    assert len(json.loads(against.stdout)["groups"]) == 1, against.stderr
    added = samebits(runs, "check", "--add", "2", str(tmp_path / "one"), "--json", "-")
    assert len(json.loads(added.stdout)["trials"]) == 3


def test_a_program_that_fails_is_quoted(runs, tmp_path):
    (tmp_path / "fails.py").write_text("raise SystemExit('the data are not here')")
    done = samebits(tmp_path, "check", "-n", "2", "fails.py")
    assert done.returncode == 3
    assert done.stdout.startswith("?  NO ANSWER: ")
    assert "it said  the data are not here" in done.stdout


def test_control_c_leaves_a_record_that_can_be_read(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    words = [
        sys.executable,
        "-m",
        "samebits",
        "check",
        "--full",
        "-n",
        "2",
        "--out",
        "r",
        "--",
        sys.executable,
        "slow.py",
    ]
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr.readline() == "samebits: 2 trials, to the end\n"
    running.send_signal(2)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "stopped by Ctrl-C" in err
    assert "Traceback" not in out + err
    again = samebits(tmp_path, "report", "r")
    assert "Traceback" not in again.stderr
    assert again.returncode in (2, 3)
