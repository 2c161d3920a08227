"""Trainers in the process tree that no probe watches: each is named, and none passes for watched."""

import shutil
import subprocess
import sys

import pytest

from samebits.checks import run
from samebits.launch.plan import Request
from samebits.model import Options
from samebits.store import open_record

STEP = "from samebits_probe import observe\nobserve('w', 1.0, step=0)\n"
HIDDEN = "import os\nfor n in range(2**18): os.urandom(1)\n"  # trains as little as nothing, and is there long enough


@pytest.fixture
def judged(tmp_path):
    """Function(program) -> the result of two trials of a program that observes a step, with a hidden one beside it."""
    (tmp_path / "work").mkdir()

    def judge(program, **more):
        (tmp_path / "work" / "train.py").write_text(program)
        (tmp_path / "work" / "hidden.py").write_text(HIDDEN)
        command = [sys.executable, "train.py"]
        options = Options(trials=2, timeout=60, **more)
        return run(
            Request(command=command, directory=tmp_path / "work", out=tmp_path / "record", options=options)
        ).result

    return judge


BECOMES_ANOTHER_PYTHON = [
    "import os, sys\nos.environ['PYTHONPATH'] = '/x'\nos.execv(sys.executable, [sys.executable, 'hidden.py'])\n",
    "import os, sys\nos.execve(sys.executable, ['a-name-of-its-own', 'hidden.py'], {})\n",
    "import os, sys\nos.execvp('sh', ['sh', '-c', 'PYTHONPATH=/x exec ' + sys.executable + ' hidden.py'])\n",
    "import os, sys\nos.execv(sys.executable, [sys.executable, '-I', '-S', '-c', 'pass'])\n",
]


@pytest.mark.parametrize("leave", BECOMES_ANOTHER_PYTHON, ids=["path", "environment", "shell", "short"])
def test_a_process_that_becomes_a_python_without_the_probe_is_unwatched(judged, leave):
    first = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {STEP!r}], check=True)\n"
    result = judged(first + leave)
    assert result.verdict == "inconclusive"
    assert "Python ran unwatched in trials 1 and 2" in result.reason
    assert result.scope.unwatched


EVERYDAY = "import subprocess\nsubprocess.run('ls; uname -a; git --version', shell=True)\n"


@pytest.mark.parametrize(
    "program",
    [
        f"import os, sys\nos.execv(sys.executable, [sys.executable, '-c', {STEP!r}])\n",
        f"import os\ntry: os.execvp('no-such-program', ['x'])\nexcept OSError: pass\n{STEP}",
        f"{STEP}{EVERYDAY}try: subprocess.run(['no-such-program'])\nexcept OSError: pass\n",
        f"{STEP}import multiprocessing\nwith multiprocessing.Pool(2) as pool: pool.map(abs, [1])\n",
    ],
    ids=["becomes a watched Python", "an exec that fails", "everyday programs", "workers of a pool"],
)
def test_what_is_watched_or_trains_nothing_is_not_named(judged, program):
    result = judged(program)
    assert (result.verdict, result.scope.unwatched) == ("repeated", [])


def test_a_python_that_is_spawned_without_the_probe_is_unwatched(judged):
    spawns = (
        "import os, sys\npid = os.posix_spawn(sys.executable, [sys.executable, '-I', 'hidden.py'], os.environ)\n"
        "os.waitpid(pid, 0)\n"
    )
    result = judged(STEP + spawns)
    assert result.verdict == "inconclusive"
    assert "hidden.py" in result.reason


def test_a_copy_of_python_under_a_name_of_its_own_is_unwatched(judged, tmp_path):
    shutil.copy(sys.executable, tmp_path / "work" / "trainer")
    home = "import subprocess, sys, os\nhere = dict(os.environ, PYTHONHOME=sys.base_prefix)\n"
    result = judged(STEP + home + "subprocess.run(['./trainer', '-S', 'hidden.py'], env=here)\n")
    assert result.verdict == "inconclusive"
    assert "trainer" in result.reason


@pytest.fixture
def program(tmp_path):
    """A program in the working folder that is no Python."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    (tmp_path / "trains.c").write_text("int main(void) { return 0; }\n")
    subprocess.run([compiler, str(tmp_path / "trains.c"), "-o", str(tmp_path / "work" / "trains")], check=True)
    return "./trains"


def test_a_program_in_c_is_named_in_the_scope_and_aloud(judged, program):
    result = judged(f"{STEP}import subprocess\nsubprocess.run(['./trains', '3'])\n")
    assert result.verdict == "repeated"
    assert result.scope.unwatched == ["the program ./trains 3"]
    assert any("cannot watch (./trains 3)" in warning for warning in result.warnings)


def test_a_forked_copy_that_leaves_at_once_is_named_in_the_scope(judged):
    result = judged(f"{STEP}import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)\n")
    assert result.scope.unwatched == ["the copy of itself that train.py:4 forks"]


ASKS = "import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-c', {!r}], check=True)\n"


def test_a_question_about_the_interpreter_is_left_out_with_a_note(judged, tmp_path):
    result = judged(ASKS.format("import sys, time; time.sleep(.2); print(sys.version)") + STEP)
    assert result.verdict == "repeated"
    assert any("only asked the interpreter about itself" in warning for warning in result.warnings)
    assert all(process.asks for process in open_record(tmp_path / "record").trials[0].file.python_processes[1:2])


NO_QUESTIONS = {
    "after": STEP + ASKS.format("import time; time.sleep(.3)"),
    "computes": ASKS.format("import numpy, time; time.sleep(.3)") + STEP,
    "script": "import subprocess, sys\nsubprocess.run([sys.executable, '-I', 'hidden.py'], check=True)\n" + STEP,
    "feeds": ASKS.format("open('weights.txt', 'w').write('1'); import time; time.sleep(.2)")
    + "open('weights.txt').read()\n"
    + STEP,
}


@pytest.mark.parametrize("program", NO_QUESTIONS.values(), ids=NO_QUESTIONS.keys())
def test_what_trains_beside_is_no_question(judged, program):
    result = judged(program)
    assert result.verdict == "inconclusive"
    assert "Python ran unwatched" in result.reason
