"""How a trial is started, and what is known of it afterwards: real processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.checks import record, run
from samebits.errors import NotFoundError, RecordExists, UsageError
from samebits.launch import environment, origin
from samebits.launch.environment import recorded
from samebits.launch.plan import Request, make_record_folder
from samebits.launch.trial import isolation
from samebits.model import FilesFile, Options, TrialFile
from samebits.store import open_record
from samebits_probe import wire

SAMPLES = Path(__file__).parent.parent / "samples"


def files_of(folder, number=1):
    return FilesFile.model_validate_json((folder / "trials" / f"{number:03d}" / "files.json").read_text())


def found_of(folder, number=1):
    return json.loads((folder / "trials" / f"{number:03d}" / "out" / "found.json").read_text())


def test_the_folder_that_begins_pythonpath_holds_the_probe_alone(tmp_path):
    folder = environment.copy_probe(tmp_path)
    assert sorted(entry.name for entry in folder.iterdir()) == ["samebits_probe", "sitecustomize.py"]
    assert not list(folder.rglob("_sitecustomize*"))


def test_the_copies_of_all_records_take_the_room_of_one_but_a_changed_file_is_copied_anew(tmp_path):
    first, second, third = (tmp_path / ".samebits" / name for name in ("1", "2", "2/explain/001"))
    third.mkdir(parents=True)
    first.mkdir()
    earlier = environment.copy_probe(first)
    (earlier / "samebits_probe/wire.py").write_text("not the probe")
    for folder in (second, third):
        copied = environment.copy_probe(folder) / "samebits_probe"
        assert copied.joinpath("trace.py").samefile(earlier / "samebits_probe/trace.py")
        assert copied.joinpath("wire.py").read_text() == Path(wire.__file__).read_text()


def test_a_trial_is_a_fresh_session_with_empty_input_and_its_own_out(ask):
    recording = record(ask("tells_where_it_runs.py", "{out}", "{trial}"))
    found = found_of(recording.folder)
    assert found["argv"] == [str(recording.folder / "trials/001/out"), "001"]
    assert found["input"] == ""
    assert found["session"] not in (0, os.getsid(0))
    assert found["environment"]["PYTHONPATH"].split(os.pathsep)[0] == str(recording.folder / "probe")


def test_values_and_folders_have_equal_length_in_every_trial(ask, tmp_path):
    run(ask("tells_where_it_runs.py", "{out}", trials=3))
    environments = [found_of(tmp_path / "record", n)["environment"] for n in (1, 2, 3)]
    lengths = [{name: len(value) for name, value in one.items()} for one in environments]
    assert lengths[0] == lengths[1] == lengths[2]


def test_other_braces_of_the_command_are_left_alone(ask):
    recording = record(ask("tells_where_it_runs.py", "{out}", '{"a": {}}', "{0}"))
    assert found_of(recording.folder)["argv"][1:] == ['{"a": {}}', "{0}"]


def test_output_is_kept_per_trial_and_metrics_are_read_from_it(ask, tmp_path):
    result = run(ask("trains.py", 5, trials=2, metrics={"accuracy": r"accuracy: ([0-9.]+)", "none": "x(y)"})).result
    assert [trial.metrics for trial in result.trials] == [{"accuracy": 0.93}] * 2
    trial = TrialFile.model_validate_json((tmp_path / "record/trials/001/trial.json").read_text())
    assert trial.metrics_printed == {"accuracy": "0.93"}
    assert "accuracy" in (tmp_path / "record/trials/002/stdout.txt").read_text()


def test_environment_code_packages_and_machine_are_recorded_and_secrets_are_not(ask, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("PYTHON_API_TOKEN", "hush")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    request = ask("trains.py", 3)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(request.directory)]
    (request.directory / "code.py").write_text("1\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    trial = record(request).trial
    assert trial.environment["OMP_NUM_THREADS"] == "2"
    assert "hush" not in json.dumps(trial.environment)
    assert len(trial.code["commit"]) == 40
    assert trial.code["dirty"] is False
    assert trial.machine["cores"] == os.cpu_count()
    (request.directory / "code.py").write_text("2\n")
    assert record(ask("trains.py", 3, out="again")).trial.code["dirty"] is True


@pytest.mark.parametrize("steps", [None, 2])
def test_versions_of_what_was_imported_are_recorded_of_whole_and_of_stopped_trials(ask, steps):
    request = ask("trains.py", 3, steps=steps)
    (request.directory / "mine.py").write_text("__version__ = '1.2'\n")
    (request.directory / "train.py").write_text(f"import mine\n{(SAMPLES / 'trains.py').read_text()}")
    command = [sys.executable, "train.py", "3"]
    trial = record(
        Request(command=command, directory=request.directory, out=request.out, options=request.options)
    ).trial
    assert trial.packages == {"mine": "1.2"}


def test_what_is_recorded_of_an_environment_leaves_out_what_looks_like_a_secret():
    wanted = {"TF_DETERMINISTIC_OPS": "1", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}
    assert recorded({**wanted, "TF_API_KEY": "x", "HOME": "/", "MLFLOW_TRACKING_PASSWORD": "x"}) == wanted


def test_a_command_that_is_not_there_is_looked_for_aloud_and_leaves_no_record(ask, tmp_path):
    request = ask("trains.py", 3)
    with pytest.raises(NotFoundError, match=r"no-such-program.*Looked in .*bin"):
        run(Request(command=["no-such-program"], directory=request.directory, out=request.out))
    assert not request.out.exists()


def test_a_script_without_its_interpreter_is_told_how_to_run(ask):
    request = ask("trains.py", 3)
    shutil.copy(SAMPLES / "trains.py", request.directory)
    with pytest.raises(NotFoundError) as error:
        run(Request(command=["./trains.py"], directory=request.directory, out=request.out))
    assert "python ./trains.py" in error.value.advice


def test_a_record_that_exists_is_refused_and_replaced_when_asked(ask, tmp_path):
    record(ask("trains.py", 3))
    with pytest.raises(RecordExists):
        record(ask("trains.py", 3))
    assert record(ask("trains.py", 4, overwrite=True)).trial.status == "complete"
    assert open_record(tmp_path / "record").trials[0].observed[0].steps == 4


def test_a_folder_that_is_no_record_is_never_replaced(ask, tmp_path):
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "thesis.tex").write_text("all of it")
    with pytest.raises(RecordExists, match="not a record"):
        record(ask("trains.py", 3, overwrite=True))
    assert (tmp_path / "record" / "thesis.tex").exists()


def test_one_trial_is_not_enough(ask):
    with pytest.raises(UsageError, match="at least two"):
        run(ask("trains.py", 3, trials=1))


def test_the_default_record_is_named_by_time_and_script(ask):
    command = ["python", "-u", "runs/train lenet.py", "--lr", "1"]
    request = Request(command=command, directory=ask("trains.py").directory)
    folder = make_record_folder(request).folder
    assert folder.name.endswith("-train-lenet")
    assert folder.parent == request.directory / ".samebits"


def test_every_python_below_the_command_is_named_watched_or_not(ask):
    trial = record(ask("starts_python.py", "-I")).trial
    watched = {process.watched: process for process in trial.python_processes}
    assert set(watched) == {True, False}
    assert watched[False].argv[1] == "-I"
    assert "-I ignores" in watched[False].why
    assert trial.status == "complete"


@pytest.mark.parametrize(
    ("words", "why"),
    [(["-S"], "-S"), (["-W", "ignore", "-E"], "-E"), (["-sE"], "-E"), (["--empty", "-u"], "SAMEBITS_PROBE")],
)
def test_what_hides_a_python_is_said(ask, words, why):
    trial = record(ask("starts_python.py", *words)).trial
    assert [why in process.why for process in trial.python_processes if not process.watched] == [True]


def test_a_command_without_any_watched_python_is_unwatched(ask, tmp_path):
    request = ask("trains.py", 3)
    quiet = Request(command=["sh", "-c", "exit 0"], directory=request.directory, out=request.out)
    assert record(quiet).trial.status == "unwatched"


def test_the_probe_of_a_python_that_cannot_run_it_is_named(ask, tmp_path, monkeypatch):
    request = ask("trains.py", 3)
    (request.directory / "json.py").write_text("raise RuntimeError('mine')")
    monkeypatch.setenv("PYTHONPATH", str(request.directory))
    trial = record(ask("trains.py", 3)).trial
    assert ["mine" in process.why for process in trial.python_processes] == [True]


def test_tensor_files_are_found_by_themselves_and_named_alike_in_every_trial(ask, tmp_path):
    result = run(ask("saves_a_model.py", "{out}/model.npy", "same", trials=2)).result
    assert [[file.path for file in files_of(tmp_path / "record", n).files] for n in (1, 2)] == [["{out}/model.npy"]] * 2
    assert result.verdict != "diverged"


def test_artifacts_are_compared_before_the_next_trial_replaces_them(ask, tmp_path):
    result = run(ask("saves_a_model.py", "model.bin", trials=2, artifacts=["*.bin"])).result
    assert result.verdict == "diverged"
    assert result.divergence.kind == "end"
    assert "model.bin" in result.divergence.name


def test_a_pattern_does_not_match_what_was_there_before(ask, tmp_path):
    request = ask("trains.py", 3, trials=2, artifacts=["old*.bin"])
    (request.directory / "old.bin").write_bytes(b"from last week")
    result = run(request).result
    assert result.verdict == "inconclusive"
    assert "old*.bin" in result.reason
    assert files_of(tmp_path / "record").patterns_without_match == ["old*.bin"]


def test_any_program_is_compared_by_the_files_it_writes(ask, tmp_path):
    request = ask("trains.py", 3)
    command = ["sh", "-c", "echo 1 > out.txt"]
    options = Options(trials=2, artifacts=["out.txt"])
    result = run(Request(command=command, directory=request.directory, out=request.out, options=options)).result
    assert [trial.status for trial in result.trials] == ["complete"] * 2
    assert result.verdict == "repeated"


def test_isolated_trials_see_the_folder_and_write_beside_it(ask, tmp_path):
    request = ask("saves_a_model.py", "nested/model.bin", trials=2, isolate=True, artifacts=["nested/*.bin"])
    (request.directory / "nested").mkdir()
    (request.directory / "nested" / "data.txt").write_text("data")
    with (request.directory / "nested" / "large.dat").open("wb") as large:
        large.truncate(isolation.MOST_COPIED + 1)
    result = run(request).result
    assert result.verdict == "diverged"
    assert sorted(path.name for path in (request.directory / "nested").iterdir()) == ["data.txt", "large.dat"]
    work = tmp_path / "record/trials/001/work"
    assert (work / "nested" / "data.txt").read_text() == "data"
    assert not (work / "nested" / "data.txt").is_symlink()
    assert (work / "nested" / "large.dat").is_symlink()
    assert (work / "nested" / "model.bin").is_file()
    assert [file.path for file in files_of(tmp_path / "record").files] == ["nested/model.bin"]


def test_trials_side_by_side_have_their_own_ports(ask, tmp_path):
    result = run(ask("tells_where_it_runs.py", "{out}", trials=3, jobs=3)).result
    ports = {found_of(tmp_path / "record", n)["environment"]["MASTER_PORT"] for n in (1, 2, 3)}
    assert result.verdict == "repeated"
    assert len(ports) == 3


def test_devices_are_split_evenly():
    assert [environment.split_gpus(list("0123"), slot, 2) for slot in (0, 1)] == [["0", "2"], ["1", "3"]]
    assert [environment.split_gpus(list("012"), slot, 2) for slot in (0, 1)] == [["0"], ["1"]]
    assert [environment.split_gpus(["0"], slot, 3) for slot in (0, 1, 2)] == [["0"]] * 3
    assert environment.split_gpus([], 0, 2) == []


def test_python_in_the_command_is_the_interpreter_that_was_asked_for(ask, python):
    request = ask("tells_where_it_runs.py", "{out}")
    command = ["python", *request.command[1:]]
    recording = record(Request(command=command, directory=request.directory, out=request.out, python=python))
    assert recording.trial.status == "complete", recording.trial.why
    assert Path(found_of(recording.folder)["executable"]).resolve() == Path(python).resolve()


def test_an_interpreter_beside_another_python_is_still_the_one_meant(ask, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to("/bin/false")
    (folder / "python-mine").write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    (folder / "python-mine").chmod(0o755)
    request = ask("tells_where_it_runs.py", "{out}")
    command = ["python", *request.command[1:]]
    python = str(folder / "python-mine")
    recording = record(Request(command=command, directory=request.directory, out=request.out, python=python))
    assert recording.trial.status == "complete"
    assert found_of(recording.folder)["executable"] == sys.executable


def test_a_script_that_is_not_there_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(NotFoundError, match=r"no script nosuch\.py"):
        run(Request(command=["python", "nosuch.py"], directory=tmp_path, out=tmp_path / "record"))
    assert not (tmp_path / "record").exists()


MEDDLER = """
import os, samebits_probe
record = os.path.join(os.path.dirname(os.environ["SAMEBITS_PROBE"]), "../..")
with open(os.path.join(record, "probe", "sitecustomize.py"), "a") as file:
    file.write("# more\\n")
samebits_probe.observe("loss", 0.5, step=0)
"""


@pytest.mark.parametrize("program", ["import samebits_probe; samebits_probe.observe('loss', 0.5, step=0)", MEDDLER])
def test_code_that_a_trial_changes_is_not_signed(tmp_path, program):
    (tmp_path / "train.py").write_text(program)
    made = run(Request(command=[sys.executable, "train.py"], directory=tmp_path, options=Options(trials=2)))
    assert origin.is_own(open_record(made.experiment.folder)) == (program != MEDDLER)


def test_files_of_the_probe_are_not_results_if_the_path_of_the_record_has_two_dots(ask):
    experiment, result = run(ask("trains.py", 5, out="work/../record"))
    assert result.verdict == "repeated"
    assert [file.path for trial in experiment.record.trials for file in trial.files.files] == []
