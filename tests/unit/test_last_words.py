"""What a trial said last: the exception that ended it, whatever else stands on its standard error."""

import subprocess
import sys

import pytest

from samebits.model import PythonProcess
from samebits.store import last_words
from samebits.store.outputs import last_exception

PLAIN = """Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
    ^^^^^^
ValueError: the batch is empty
"""
TORCHRUN = """\
[rank0]: Traceback (most recent call last):
[rank1]: Traceback (most recent call last):
[rank1]:   File "train.py", line 3, in <module>
[rank0]:   File "train.py", line 9, in <module>
[rank1]: ValueError: the batch is empty
[rank0]: RuntimeError: [gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:3021
E1126 16:00:00.123000 7 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 1) local_rank: 1
Traceback (most recent call last):
  File "/opt/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-26_16:00:00
  rank      : 1 (local_rank: 1)
  exitcode  : 1 (pid: 100)
============================================================
"""
JAX_NOTE = """--------------------
For simplicity, JAX has removed its internal frames from the traceback of the following exception. Set JAX_...=off.
"""
SPAWNED = """Traceback (most recent call last):
  File "train.py", line 5, in <module>
    spawn(work)
torch.multiprocessing.spawn.ProcessRaisedException:

-- Process 0 terminated with the following error:
Traceback (most recent call last):
  File "spawn.py", line 90, in _wrap
    fn(i, *args)
ValueError: the batch is empty
"""
CHILD = PLAIN + PLAIN.replace("ValueError: the batch is empty", "subprocess.CalledProcessError: Command returned 1.")
NOTEBOOK = """Traceback (most recent call last):
  File "/opt/bin/papermill", line 8, in <module>
    sys.exit(papermill())
papermill.exceptions.PapermillExecutionError:
---------------------------------------------------------------------------
Exception encountered at "In [2]":
---------------------------------------------------------------------------
\x1b[0;31mValueError\x1b[0m                                Traceback (most recent call last)
Cell \x1b[0;32mIn[2], line 1\x1b[0m
\x1b[0;32m----> 1\x1b[0m train()

\x1b[0;31mValueError\x1b[0m: the batch is empty

"""
CHAINED = (
    """Traceback (most recent call last):
  File "train.py", line 3, in <module>
    x["a"]
KeyError: 'a'

During handling of the above exception, another exception occurred:

"""
    + PLAIN
)
LATER = PLAIN + "/lib/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked semaphore\n"
IGNORED = PLAIN + "\nException ignored in: <function A.__del__>\n" + PLAIN.replace("the batch is empty", "closed")


@pytest.mark.parametrize(
    "text",
    ["loading\n" + PLAIN, TORCHRUN, PLAIN + JAX_NOTE, SPAWNED, CHILD, NOTEBOOK, CHAINED, LATER, IGNORED],
    ids=["plain", "torchrun", "jax", "spawned", "child", "notebook", "chained", "later", "ignored"],
)
def test_the_exception_that_ended_the_program_is_told(text):
    assert last_exception(text) == "ValueError: the batch is empty"


def test_all_lines_of_a_message_are_told():
    text = PLAIN.replace("ValueError: the batch is empty", "RuntimeError: Error(s) in loading:\n\tMissing key: fc.bias")
    assert last_exception(text) == "RuntimeError: Error(s) in loading: Missing key: fc.bias"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('give a folder of images')", "give a folder of images"),
        ("def f(:", "SyntaxError: invalid syntax (program.py, line 1)"),
        (
            "if 1:\n    a = 1\n  b = 2",
            "IndentationError: unindent does not match any outer indentation level (program.py, line 3)",
        ),
        ("import os\nfor i in os.listdir()\n    pass", "SyntaxError: expected ':' (program.py, line 2)"),
        ("raise KeyError('fc.bias')", "KeyError: 'fc.bias'"),
        ("raise SystemExit(3)", ""),
        ("import sys; print('done\\n=====', file=sys.stderr)", "done"),
    ],
)
def test_real_endings_are_told(tmp_path, program, said):
    (tmp_path / "program.py").write_text(program)
    with (tmp_path / "stderr.txt").open("wb") as stderr:
        subprocess.run([sys.executable, str(tmp_path / "program.py")], stderr=stderr, timeout=60)
    assert last_words(tmp_path) == said


def test_a_trial_without_a_standard_error_said_nothing(tmp_path):
    assert last_words(tmp_path) == ""


def test_a_missing_module_names_the_interpreter_and_the_option(writing, tmp_path):
    ran = PythonProcess(pid=5, argv=["python"], executable="/opt/other/bin/python3.11", watched=False)
    said = "ModuleNotFoundError: No module named 'torch'"
    trial = {"status": "failed", "exit_code": 1, "said": said, "python_processes": [ran]}
    result = writing.judged(tmp_path, [lambda folder, number: dict(trial)] * 2)
    assert "/opt/other/bin/python3.11 does not have the module torch" in result.advice
    assert "--python PATH" in result.advice
