"""The paper's study in small, with the real libraries: its own stacks and today's."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from samebits import datasets
from samebits.errors import SamebitsError


@pytest.fixture(scope="module")
def digits():
    """The folder of MNIST."""
    try:
        return datasets.get("mnist")
    except SamebitsError as why:
        pytest.skip(f"MNIST cannot be had here: {why.message}")


def command(name, out, *words):
    return [sys.executable, "-m", "samebits", "study", name, "--out", str(out), *words]


def study(name, out, *words, status=0, **variables):
    """Run a study; gives its document and what was printed."""
    done = subprocess.run(
        command(name, out, *words), env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stderr[-3000:]
    path = out / "study.json"
    return (json.loads(path.read_text()) if path.is_file() else None), done


def needs_torch():
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5", "unet"])
@pytest.mark.parametrize("setup", ["keras-tf1.14", "keras-tf2.1", "pytorch-1.3"])
def test_the_papers_own_stacks_run_the_study(name, setup, tmp_path, digits, legacy_python):
    for environment in {setup, "keras-tf1.14"}:
        legacy_python(environment)
    words = ["--data", str(digits)] if name == "lenet5" else []
    document, _ = study(name, tmp_path / "out", "--setups", setup, *words)
    (found,) = document["setups"]
    assert (found["status"], len(found["models"])) == ("done", 2)
    assert found["verdict"] in (("repeated",) if setup != "keras-tf2.1" else ("repeated", "diverged"))
    first = found["retests"][0]
    assert (first["factor"], first["same"], first["same_decisions"]) == ("fresh process", True, True)
    if setup != "keras-tf2.1":
        assert found["plain"]["same"] is True, "a training that is not watched has the same bits"
    held = {control["id"]: control["took_effect"] for control in found["controls"]}
    if setup == "keras-tf2.1":
        assert held["session-threads"] is False, "Keras 2.3.1 never uses that session there"
    if setup.startswith("keras"):
        assert held["channels-first"] is False, "there is no such convolution on a CPU"
    assert (tmp_path / "out" / "page.html").is_file()


@pytest.mark.slow
def test_all_models_of_one_process_are_whole(tmp_path, digits, legacy_python):
    legacy_python("keras-tf1.14")
    words = ["--data", str(digits), "--setups", "keras-tf1.14-one-process"]
    document, _ = study("lenet5", tmp_path / "out", *words)
    (found,) = document["setups"]
    assert found["status"] == "done"
    assert [model["trial"] for model in found["models"]] == [1, 2]


@pytest.mark.slow
def test_a_study_that_was_broken_off_goes_on_and_keeps_whole_trials(tmp_path, digits):
    needs_torch()
    out = tmp_path / "out"
    words = ["--data", str(digits), "--setups", "pytorch", "--trials", "3"]
    running = subprocess.Popen(command("lenet5", out, *words), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    first, second = (out / "setups/pytorch/record/trials" / name / "trial.json" for name in ("001", "002"))
    while not first.is_file() or not second.parent.is_dir():
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.wait()
    running.stderr.close()
    kept = first.stat().st_mtime_ns
    document, _ = study("lenet5", out, *words)
    assert first.stat().st_mtime_ns == kept
    (found,) = document["setups"]
    assert (found["status"], found["verdict"], found["groups"]) == ("done", "repeated", [[1, 2, 3]])


def test_a_setup_without_its_interpreter_is_skipped_and_named(tmp_path, digits):
    words = ["--data", str(digits), "--setups", "keras-tf1.14"]
    document, done = study("lenet5", tmp_path / "out", *words, status=3, SAMEBITS_HOME=str(tmp_path / "home"))
    (found,) = document["setups"]
    assert found["status"] == "skipped"
    assert "samebits env create keras-tf1.14" in found["reason"]
    assert "samebits env create keras-tf1.14" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scale", "huge"], "There is no scale 'huge'."),
        (["--setups", "keras-tf9"], "There is no setup 'keras-tf9'."),
        (["--setups", ","], "not a list of names"),
        (["--data", "nowhere"], "nowhere"),
        (["--trials", "1"], "at least two"),
    ],
)
@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_wrong_use_is_said(name, words, said, tmp_path):
    _, done = study(name, tmp_path / "out", *words, status=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_study_that_is_not_there_is_said(tmp_path):
    _, done = study("lenet6", tmp_path / "out", status=2)
    assert "There is no study 'lenet6'." in done.stderr


def test_the_folder_of_another_scale_is_refused(tmp_path, digits):
    out = tmp_path / "out"
    (out / "data").mkdir(parents=True)
    (out / "data" / "data.json").write_text('{"study": "digits", "train": 5}')
    _, done = study("lenet5", out, "--data", str(digits), status=2)
    assert "holds the data of another study or scale" in done.stderr


@pytest.mark.slow
def test_what_was_run_elsewhere_stays_in_the_result_and_is_not_run_again(tmp_path, digits):
    needs_torch()
    first, second = tmp_path / "first", tmp_path / "second"
    words = ["--data", str(digits), "--setups", "pytorch"]
    before, _ = study("lenet5", first, *words)
    second.mkdir()
    (second / "study.json").write_text(json.dumps(before))
    after, done = study("lenet5", second, *words)
    assert after["setups"] == before["setups"]
    assert not (second / "setups").exists()
    assert "pytorch" in done.stdout
    (second / "study.json").write_text(json.dumps({**before, "epochs": 9}))
    _, done = study("lenet5", second, *words, status=2)
    assert "of a study with other epochs" in done.stderr
    (second / "study.json").write_text("{}")
    _, done = study("lenet5", second, *words, status=2)
    assert "is not the result of a study" in done.stderr
