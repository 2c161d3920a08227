"""What a program can see of the probe: nothing but what docs/reference/visibility.md lists."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "samples" / "tells_what_it_can_see.py"
ALWAYS = {
    "seen: descriptors of the trial",
    "seen: exit functions",
    "seen: objects of the collector",
    "seen: replaced functions of Python",
    "seen: sys.meta_path",
    "seen: sys.modules",
    "seen: sys.path",
    "seen: variables",
}
WATCHED_LIBRARY = {"seen: replaced functions of the library", "seen: sys.settrace", "seen: sys.setprofile"}
OFTEN = {"seen: modules of Python"}  # modules that the probe imports: most programs import them, too
PROGRAMS = {
    "none": set(),
    "torch": WATCHED_LIBRARY
    | {
        "seen: hooks of all optimizers",
        "seen: references to a module",
        "seen: references to a weight",
        "seen: references to an optimizer",
        "seen: traceback",
    },
    "keras": WATCHED_LIBRARY | {"seen: references to a model", "seen: references to an optimizer", "seen: traceback"},
    "tensorflow": WATCHED_LIBRARY,
    "jax": WATCHED_LIBRARY | {"seen: references to a compiled function"},
}


def seen_by(python, library, environment):
    command = [python, str(PROGRAM), library]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=PROGRAM.parent)
    assert ran.returncode == 3, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


def compared(python, library, injected, backend="jax"):
    """The names of what the program saw in a different way while it was watched."""
    given = {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": backend} if python == sys.executable else {}
    alone = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SAMEBITS_PROBE")}
    watched, _ = injected(given)
    plain = seen_by(python, library, {**alone, **given})
    beside = seen_by(python, library, watched)
    assert plain.keys() == beside.keys()
    assert plain["functions that do not pose"] == beside["functions that do not pose"] == []
    return {name for name in plain if plain[name] != beside[name]}


@pytest.mark.parametrize("library", ["none", "torch", "tensorflow", "jax"])
def test_a_watched_program_sees_what_it_sees_alone_but_for_what_the_page_lists(library, injected):
    if library != "none" and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed beside {sys.executable}")
    found = compared(sys.executable, library, injected)
    assert found >= ALWAYS
    assert found - ALWAYS - PROGRAMS[library] - OFTEN == set()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_watched_program_of_keras_3_sees_what_it_sees_alone_but_for_what_the_page_lists(backend, injected):
    for name in ("keras", backend):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed beside {sys.executable}")
    found = compared(sys.executable, "keras", injected, backend)
    assert found >= ALWAYS
    assert found - ALWAYS - PROGRAMS["keras"] - OFTEN == set()


@pytest.mark.slow
@pytest.mark.parametrize(("stack", "library"), [("keras-tf2.1", "keras"), ("pytorch-1.3", "torch")])
def test_a_watched_program_on_an_old_stack_sees_the_same_but_for_what_the_page_lists(
    stack, library, injected, legacy_python
):
    found = compared(legacy_python(stack), library, injected)
    assert found >= ALWAYS
    assert found - ALWAYS - PROGRAMS[library] - OFTEN == set()
