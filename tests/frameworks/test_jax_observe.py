"""Values of JAX that a program names with `samebits_probe.observe`, also if they are traced."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent.parent / "samples" / "jax_observes_itself.py"
SOURCE = Path(importlib.util.find_spec("samebits_probe").origin).parent.parent

pytestmark = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")


@pytest.fixture
def seen(shared_run):
    return shared_run(None, PROGRAM).sound()


def test_values_of_traced_functions_are_observed_at_their_step(seen):
    assert seen.steps == 4
    for step in range(4):
        assert seen.names("batch", step) == ["batch"]
        assert seen.names("gradient", step) == ["gradient.weights"]
        assert seen.names("forward", step)[:1] == ["loss"]
        assert seen.names("update", step) == ["weights"]
    assert len({found for _, found in seen.prints("gradient")}) == 4


def test_observing_inside_transformed_functions_changes_no_bit(seen):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    plain = subprocess.run([sys.executable, PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert seen.output == plain.stdout


def test_a_program_that_shows_nothing_is_told_how_to(watched_run):
    trial = watched_run(None, "import jax.numpy as jnp\nprint(jnp.ones(3).sum())\n")
    told = [event for process in trial.processes for event in process.events if event["event"] == "not-observed"]
    assert [event["point"] for event in told] == ["steps"]
    assert "samebits_probe.observe" in told[0]["why"]
