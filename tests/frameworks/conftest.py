"""What tests of frameworks share: which PyTorch they run under; and the longest files come first."""

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ABSENT = HERE.parent / "absent"


def pytest_collection_modifyitems(items):
    """A worker gets whole files: where the long ones come first, both workers end at about the same time."""
    ours = [item for item in items if item.path.parent == HERE]
    seconds = Counter()
    for item in ours:
        seconds[item.path] += seconds_of(item)
    ours.sort(key=lambda item: -seconds[item.path])
    items[:] = [*(item for item in items if item.path.parent != HERE), *ours]


def seconds_of(item):
    """About how long a core is busy with a test: a slow one says it if it is far more than ten seconds."""
    slow = item.get_closest_marker("slow")
    return slow.kwargs.get("seconds", 10) if slow else 2


@pytest.fixture(scope="session")
def samebits():
    """Function(*words, cwd) -> CompletedProcess of the command line, in whose commands `python` has the frameworks."""

    def run(*words, cwd):
        command = [sys.executable, "-m", "samebits", *map(str, words)]
        environment = {**os.environ, "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def alone():
    """Function(backend, compiler=True) -> variables with which a program finds Keras and its backend, and no library
    that they can do without. They import matplotlib, scikit-learn, IPython, SciPy and JAX if these are there: half of
    their start. `compiler`: whether PyTorch imports its own with its first optimizer (see `lean`).
    """

    def variables(backend, compiler=True):
        folders = [ABSENT / "everywhere", *([ABSENT / "but_for_jax"] if backend != "jax" else [])]
        folders += [] if compiler else [ABSENT / "until_it_is_used"]
        return {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(map(str, folders))}

    return variables


@pytest.fixture(params=["today", "pytorch-1.3"])
def torch_python(request, legacy_python):
    """An interpreter with PyTorch: the one that runs the tests, then the legacy stack's."""
    if request.param != "today":
        return legacy_python(request.param)
    if importlib.util.find_spec("torch") is None:
        pytest.skip(f"torch is not installed beside {sys.executable}")
    return sys.executable
