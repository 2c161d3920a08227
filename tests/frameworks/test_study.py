"""The paper's study in small, with the real libraries: its own stacks and today's."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from samebits import cli, datasets
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


@pytest.fixture(scope="module")
def small(tmp_path_factory, digits):
    """The folder of a study that has been run, of one setup of today, and the words that go on with it."""
    needs_torch()
    out, words = tmp_path_factory.mktemp("small") / "out", ["--data", str(digits), "--setups", "pytorch"]
    document, _ = study("lenet5", out, *words)
    (found,) = document["setups"]
    assert found["status"] == "done"
    shutil.copy(out / "study.json", out.parent / "first.json")  # tests go on with the study
    return out, words


def trial_of(out, number):
    """The folder of a trial."""
    return out / "setups" / "pytorch" / "record" / "trials" / f"{number:03d}"


@pytest.mark.slow
def test_what_the_scripts_print_does_not_count(small):
    out, _ = small
    assert (trial_of(out, 1) / "stdout.txt").read_text()
    kept = json.loads((trial_of(out, 1) / "files.json").read_text())["printed"]
    assert "stdout" not in [file["path"] for file in kept], "Keras prints whole seconds, and they may differ"


@pytest.mark.slow
def test_weights_are_tested_again_as_the_trials_ran_but_for_what_is_named(small):
    out, _ = small
    folder = out / "setups" / "pytorch"
    trials = json.loads((folder / "record" / "record.json").read_text())
    for name, threads, variables in (
        ("fresh-process", "threads", {}),
        ("1-thread", "threads=1", {}),
        ("2-threads", "threads=2", {}),
        ("instructions-of-SSE4", "threads", {"ATEN_CPU_CAPABILITY": "default"}),
    ):
        again = json.loads((folder / "retests" / name / "record" / "record.json").read_text())
        assert again["controls"] == [threads if one == "threads" else one for one in trials["controls"]]
        assert variables.items() <= again["variables"].items()
        assert bool(again["variables"]) == bool(variables)
    (found,) = json.loads((out / "study.json").read_text())["setups"]
    first, one, *_ = found["retests"]
    assert (first["factor"], first["same"], first["detail"]) == ("fresh process", True, "")
    assert (one["factor"], one["same"]) == ("1 thread", True), "the strict preset trains with one thread"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["outcome.json cut", "predictions.npz gone", "trial.json cut"])
def test_a_trial_whose_results_are_damaged_is_run_again(small, damage):
    out, words = small
    name, what = damage.split()
    path = trial_of(out, 2) / ("" if name == "trial.json" else "out") / name
    kept = (trial_of(out, 1) / "trial.json").stat().st_mtime_ns
    if what == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    document, done = study("lenet5", out, *words)
    (found,) = document["setups"]
    assert (found["status"], found["groups"]) == ("done", [[1, 2]])
    assert (trial_of(out, 1) / "trial.json").stat().st_mtime_ns == kept
    assert ("the results of trial 2 are damaged or missing" in done.stderr) == (name != "trial.json")


@pytest.mark.slow
def test_more_trials_are_run_of_a_study_that_is_there_and_others_keep_theirs(small, tmp_path):
    out, words = small
    home = {"SAMEBITS_HOME": str(tmp_path / "home")}
    kept = (trial_of(out, 1) / "trial.json").stat().st_mtime_ns
    document, done = study("lenet5", out, *words, "--trials", "3")
    (found,) = document["setups"]
    assert (found["status"], found["trials"], found["groups"]) == ("done", 3, [[1, 2, 3]])
    assert "samebits: trial 3 of 3: complete" in done.stderr
    assert "trial 1 of" not in done.stderr
    assert (trial_of(out, 1) / "trial.json").stat().st_mtime_ns == kept
    # another setup, which cannot be run: this one stays as it is, and the exit status is that of what was asked for
    document, done = study("lenet5", out, *words[:2], "--setups", "keras-tf2.1", "--trials", "4", status=3, **home)
    assert [(one["id"], one["status"], one["trials"]) for one in document["setups"]] == [
        ("keras-tf2.1", "skipped", 4), ("pytorch", "done", 3),
    ]  # fmt: skip
    document, _ = study("lenet5", out, *words, "--trials", "2")
    assert [(one["id"], one["groups"]) for one in document["setups"]] == [("pytorch", [[1, 2]])]


@pytest.mark.slow
def test_a_study_can_be_moved_and_goes_on(small, tmp_path):
    out, words = small
    moved = out.rename(tmp_path / "moved")
    try:
        document, _ = study("lenet5", moved, *words, "--trials", "4")
        (found,) = document["setups"]
        assert (found["status"], found["verdict"], found["groups"]) == ("done", "repeated", [[1, 2, 3, 4]])
        assert json.loads((moved / "setups/pytorch/record/record.json").read_text())["directory"] == str(moved)
    finally:
        moved.rename(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda out: (out / "data" / "data.json").write_text('{"st'), "data.json cannot be read"),
        (lambda out: (out / "data" / "data.npz").unlink(), "data.npz is not there"),
        (lambda out: rename_setup(out / "study.json"), "has a setup 'keras-tf9'"),
        (lambda out: (out / "setups/pytorch/record/record.json").write_text("{"), "the study runs pytorch again"),
    ],
)
def test_a_damaged_study_is_said_with_what_to_do(small, tmp_path, damage, said):
    out, words = tmp_path / "copy", small[1]
    shutil.copytree(small[0], out)
    damage(out)
    _, done = study("lenet5", out, *words, status=2)
    assert said in done.stderr
    assert "--out" in done.stderr or "Remove " in done.stderr
    assert "report it" not in done.stderr


def rename_setup(path):
    path.write_text(path.read_text().replace('"id": "pytorch"', '"id": "keras-tf9"'))


@pytest.mark.parametrize("below", ["", "/out"])
def test_a_file_where_the_study_shall_be_kept_is_said(tmp_path, digits, below):
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        command("lenet5", f"{tmp_path}/file{below}", "--data", str(digits)), capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"{tmp_path}/file is a file: a study is kept in a folder." in done.stderr


def test_all_environments_that_a_setup_needs_are_named_with_why(tmp_path, digits):
    words = ["--data", str(digits), "--setups", "pytorch-1.3"]
    document, _ = study("lenet5", tmp_path / "out", *words, status=3, SAMEBITS_HOME=str(tmp_path / "home"))
    (found,) = document["setups"]
    assert "pytorch-1.3 needs environments that have not been built: pytorch-1.3 and keras-tf1.14 (" in found["reason"]
    assert "initial weights" in found["reason"]
    assert "samebits env create pytorch-1.3; samebits env create keras-tf1.14" in found["reason"]


def test_a_watershed_of_digits_is_refused(tmp_path, digits):
    _, done = study("lenet5", tmp_path / "out", "--data", str(digits), "--watershed", status=2)
    assert "lenet5 counts no cells" in done.stderr


@pytest.mark.slow(seconds=35)
@pytest.mark.parametrize("run", ["lenet5 keras-tf1.14", "lenet5 keras-tf2.1", "unet keras-tf1.14", "unet pytorch-1.3"])
def test_the_papers_own_stacks_run_the_study(run, tmp_path, digits, legacy_python):
    name, setup = run.split()
    for environment in {setup, "keras-tf1.14"}:
        legacy_python(environment)
    words = ["--data", str(digits)] if name == "lenet5" else []
    document, _ = study(name, tmp_path / "out", "--setups", setup, *words)
    (found,) = document["setups"]
    assert (found["status"], len(found["models"])) == ("done", 2)
    verdicts = ("repeated",) if setup != "keras-tf2.1" else ("repeated", "diverged")
    assert found["verdict"] in verdicts, found["sentence"]
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
def test_wrong_use_is_said(name, words, said, tmp_path, capsys):
    assert cli.main(["study", name, "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_study_that_is_not_there_is_said(tmp_path, capsys):
    assert cli.main(["study", "lenet6", "--out", str(tmp_path / "out")]) == 2
    assert "There is no study 'lenet6'." in capsys.readouterr().err


def test_the_folder_of_another_scale_is_refused(tmp_path, digits):
    out = tmp_path / "out"
    (out / "data").mkdir(parents=True)
    (out / "data" / "data.json").write_text('{"study": "digits", "train": 5}')
    _, done = study("lenet5", out, "--data", str(digits), status=2)
    assert "holds the data of a different study or scale" in done.stderr


@pytest.mark.slow
def test_what_was_run_elsewhere_stays_in_the_result_and_is_not_run_again(small, tmp_path):
    second, words = tmp_path / "second", small[1]
    before = json.loads((small[0].parent / "first.json").read_text())
    second.mkdir()
    (second / "study.json").write_text(json.dumps(before))
    after, done = study("lenet5", second, *words)
    assert after["setups"] == before["setups"]
    assert not (second / "setups").exists()
    assert "pytorch" in done.stdout
    (second / "study.json").write_text(json.dumps({**before, "epochs": 9}))
    _, done = study("lenet5", second, *words, status=2)
    assert "of a study with different epochs" in done.stderr
    (second / "study.json").write_text("{}")
    _, done = study("lenet5", second, *words, status=2)
    assert "is not the result of a study" in done.stderr
