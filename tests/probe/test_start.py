"""What the probe costs a process before the program begins: the modules that it imports, and their bytecode."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import samebits_probe
from samebits import controls
from samebits.launch import environment

# what the standard library takes longest to import, and what only few trials need
LATER = {"typing", "hashlib", "platform", "samebits_probe.probe.tensor_log", "samebits_probe.probe.inspection",
         "samebits_probe.watchers.global_arrays"}  # fmt: skip
MODULES = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_of(variables):
    command = [sys.executable, "-c", MODULES]
    run = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_a_program_that_imports_nothing_waits_for_few_modules(injected):
    variables, _ = injected()
    added = modules_of(variables) - modules_of({})
    assert "samebits_probe.probe" in added
    assert not added & LATER


def test_a_look_that_was_asked_for_is_imported(injected):
    variables, _ = injected(tensors={"first": 0, "last": 3})
    assert "samebits_probe.probe.tensor_log" in modules_of(variables)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The probe as pip installs it, with bytecode."""
    folder = tmp_path / "site-packages" / "samebits_probe"
    source = Path(samebits_probe.__file__).parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=2)
    monkeypatch.setattr(samebits_probe, "__file__", str(folder / "__init__.py"))
    return folder


def found_of(folder, code):
    variables = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-v", "-c", code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True)


CODE = "from samebits_probe import signals; print(signals.hold.__code__.co_filename)"


def test_a_trial_is_given_the_bytecode_that_pip_compiled_and_knows_the_files_by_their_new_place(installed, tmp_path):
    folder = environment.copy_probe(tmp_path)
    run = found_of(folder, CODE)
    assert run.stdout.strip() == str(folder / "samebits_probe" / "signals.py")
    assert f"matches {folder / 'samebits_probe' / 'signals.py'}" in run.stderr


def test_bytecode_that_is_older_than_its_file_is_not_used(installed, tmp_path):
    file = installed / "signals.py"
    file.write_text(file.read_text() + "\nhold.is_new = True\n")
    folder = environment.copy_probe(tmp_path)
    run = found_of(folder, "from samebits_probe import signals; print(signals.hold.is_new)")
    assert run.stdout.strip() == "True"


IMPORT_ALL = """
import importlib, pkgutil, samebits_probe
for module in pkgutil.walk_packages(samebits_probe.__path__, "samebits_probe."):
    if not module.name.endswith("_sitecustomize"):  # it starts a probe
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            assert (error.name or "").split(".")[0] not in ("", "samebits_probe"), error
print("imported")
"""


def test_every_module_can_be_imported_though_types_are_known_to_type_checkers_alone():
    variables = {**os.environ, "PYTHONPATH": str(Path(samebits_probe.__file__).parents[1])}
    command = [sys.executable, "-S", "-c", IMPORT_ALL]  # without site-packages: what needs a library is left out
    run = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert run.stdout == "imported\n", run.stderr


READS_SETTINGS = """
import sys, samebits_probe.probe
from samebits_probe import in_force
print(sorted(in_force.read(sys.argv[1:])), *(name for name in ("typing", "hashlib", "inspect") if name in sys.modules))
"""


def test_the_end_of_a_program_does_not_wait_for_slow_imports_either():
    words = [sys.executable, "-S", "-c", READS_SETTINGS, *controls.of_factors()]
    variables = {**os.environ, "PYTHONPATH": str(Path(samebits_probe.__file__).parent.parent)}
    run = subprocess.run(words, env=variables, capture_output=True, text=True, check=True)
    assert "'hash-seed'" in run.stdout
    assert run.stdout.endswith("]\n")
