"""`samebits doctor`: what it says was tried by a trial."""

import importlib.util
import sys
from pathlib import Path

import pytest

from samebits import cli, doctor
from samebits.doctor import selftest
from samebits.doctor.documents import DoctorResult
from samebits.model import HeldControl

HERE = Path(sys.executable)


def test_a_control_counts_if_a_trial_has_read_it_back():
    plain = doctor.tried(doctor.PLAIN, HERE)
    effects = {one.id: one.took_effect for one in plain.controls}
    assert (plain.fault, effects["hash-seed"], effects["python-seed"]) == ("", True, True)
    assert "torch-seed" not in effects
    found = doctor.tried("numpy", HERE)
    assert (found.fault, found.version) == ("", __import__("numpy").__version__)
    assert {one.id: one.took_effect for one in found.controls}["numpy-seed"]


def test_a_library_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "loky.py").write_text("raise OSError('a library of the system is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert doctor.libraries(HERE)["loky"]
    assert "a library of the system is missing" in doctor.tried("loky", HERE).fault


def test_the_command_names_what_works_and_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "libraries", lambda python: {"numpy": True, "loky": False})
    monkeypatch.setattr(doctor, "missing_readers", lambda: {"onnx": [".onnx"]})
    monkeypatch.setenv("SHELL", "/bin/zsh")
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["doctor", "--python", sys.executable]) == 0
    said = capsys.readouterr().out
    for line in (
        f"trials       work with {sys.executable}",
        "numpy        ",
        "not here     loky: install what your programs use",
        "files        .onnx by bytes only: pip install onnx",
        "hosts        local: trials run here",
        "slurm: Slurm is not installed on this machine",
        "git is not installed",
        "(samebits env create keras3-jax)",
        'completion: eval "$(_SAMEBITS_COMPLETE=zsh_source samebits)"',
    ):
        assert line in said, line


def test_json_holds_what_the_screen_says_and_only_that_goes_to_standard_output(monkeypatch, capsys, tmp_path):
    held = HeldControl(id="numpy-seed", took_effect=True, effect="held", why="")
    tried = {"numpy": {"version": "2.0", "controls": [held]}, "loky": {"fault": "it is broken \u2028"}}
    monkeypatch.setattr(doctor, "libraries", lambda python: {"loky": True, "numpy": True, "torch": False})
    monkeypatch.setattr(doctor, "tried", lambda name, python: doctor.TriedLibrary(name=name, **tried.get(name, {})))
    monkeypatch.setattr(doctor, "hosts", lambda: {"local": "", "ray": "not installed"})
    words = ["doctor", "--python", sys.executable, "--json"]
    assert cli.main([*words, "-"]) == 0
    out, err = capsys.readouterr()
    found = DoctorResult.model_validate_json(out)
    assert (found.python, found.absent, found.plain.fault) == (sys.executable, ["torch"], "")
    assert found.hosts == {"local": "", "ray": "not installed"}
    assert [(one.name, one.version, one.fault) for one in found.libraries] == [
        ("loky", "", "it is broken \u2028"),
        ("numpy", "2.0", ""),
    ]
    assert found.libraries[1].controls == [held]
    assert out.isascii()
    assert "hosts        local: trials run here" in err
    assert cli.main([*words, str(tmp_path / "doctor.json")]) == 0
    assert (tmp_path / "doctor.json").read_text() == out
    assert capsys.readouterr().out == err
    assert cli.main([*words, str(tmp_path / "absent" / "doctor.json")]) == 2
    assert capsys.readouterr().out == ""


def test_a_python_in_which_no_trial_works_is_an_error(monkeypatch, capsys, tmp_path):
    broken = doctor.TriedLibrary(name=doctor.PLAIN, fault="its steps were not observed")
    monkeypatch.setattr(doctor, "tried", lambda name, python: broken)
    assert cli.main(["doctor", "--python", sys.executable]) == 2
    assert "its steps were not observed" in capsys.readouterr().err
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    assert cli.main(["doctor", "--python", str(tmp_path / "python")]) == 2


def test_selftest_catches_each_fault_and_says_what_it_missed(monkeypatch, capsys):
    assert cli.main(["selftest", "--python", sys.executable, "python"]) == 0
    said = capsys.readouterr().out
    assert (said.count("caught  "), "MISSED" in said) == (len(selftest.FAULTS), False)
    wrong = selftest.PlantedFault("none", "a fault that is not there", "diverged", 2)
    monkeypatch.setattr(selftest, "FAULTS", (wrong,))
    assert cli.main(["selftest", "--python", sys.executable, "python"]) == 1
    assert "python       MISSED  a fault that is not there: 2 trials, one model" in capsys.readouterr().out
    assert cli.main(["selftest", "pythom"]) == 2
    monkeypatch.setattr(doctor, "libraries", lambda python: {"numpy": True})
    assert cli.main(["selftest", "torch"]) == 2
    assert "does not have torch" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["torch", "keras", "jax"])
@pytest.mark.slow(seconds=30)
def test_selftest_catches_with_a_framework_each_fault_that_a_framework_can_hide(library, monkeypatch):
    """A killed trial and a program without a step are the same with each library."""
    monkeypatch.setattr(selftest, "FAULTS", [one for one in selftest.FAULTS if one.verdict != "inconclusive"])
    if importlib.util.find_spec(library) is None:  # an import would set TF2_BEHAVIOR for the tests that follow
        pytest.skip(f"{library} is not installed")
    assert [one for one in selftest.planted(library, HERE) if not one.is_caught] == []


@pytest.mark.parametrize("library", ["torch", "tensorflow", "jax"])
@pytest.mark.slow(seconds=10)
def test_a_framework_is_tried(library):
    if importlib.util.find_spec(library) is None:  # an import would set TF2_BEHAVIOR for the tests that follow
        pytest.skip(f"{library} is not installed")
    found = doctor.tried(library, HERE)
    assert found.fault == ""
    assert any(one.took_effect for one in found.controls)
