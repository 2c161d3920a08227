"""What a trial said last: the exception that ended it, whatever else stands on its standard error."""

import subprocess
import sys

import pytest

from samebits.model import PythonProcess
from samebits.store import last_words


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('give a folder of images')", "give a folder of images"),
        ("if 1:\n    a = 1\n  b = 2", "IndentationError: unindent does not match any outer indentation level"),
        ("raise KeyError('fc.bias')", "KeyError: 'fc.bias'"),
        ("raise ValueError", "ValueError"),
        ("raise SystemExit(3)", ""),
        ("print('\\x1b[31mValueError\\x1b[0m: empty\\n', file=__import__('sys').stderr)", "ValueError: empty"),
        ("print('[rank1]: ValueError: empty\\nFAILED', file=__import__('sys').stderr)", "ValueError: empty"),
        ("import atexit\natexit.register(lambda: 1 / 0)\nraise OSError('full')", "ZeroDivisionError: division by zero"),
    ],
)
def test_real_endings_are_told(tmp_path, program, said):
    (tmp_path / "program.py").write_text(program)
    with (tmp_path / "stderr.txt").open("wb") as stderr:
        subprocess.run([sys.executable, str(tmp_path / "program.py")], stderr=stderr, timeout=60)
    assert last_words(tmp_path) == said


def test_a_trial_without_a_standard_error_said_nothing(tmp_path):
    assert last_words(tmp_path) == ""


@pytest.mark.parametrize(
    "said",
    [
        "ModuleNotFoundError: No module named 'torch'",
        "/usr/bin/python3: No module named torch",
        "python: Error while finding module specification for 'torch.a' (ModuleNotFoundError: No module named 'torch')",
    ],
)
def test_a_missing_module_names_the_interpreter_and_the_option(writing, tmp_path, said):
    ran = PythonProcess(pid=5, argv=["python"], executable="/opt/other/bin/python3.11", watched=False)
    trial = {"status": "failed", "exit_code": 1, "said": said, "python_processes": [ran]}
    result = writing.judged(tmp_path, [lambda folder, number: dict(trial)] * 2)
    assert "/opt/other/bin/python3.11 does not have the module torch" in result.advice
    assert "--python PATH" in result.advice
