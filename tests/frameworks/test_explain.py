"""explain, as a user runs it, on programs that train with PyTorch and Keras."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

KNOWN = Path(__file__).resolve().parents[1] / "known"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"

pytestmark = pytest.mark.slow  # some thirty trials each, of programs that import a framework


def explained(program, folder, *options):
    """Run `samebits explain` on a program; give its result and what it showed."""
    command = [sys.executable, "-m", "samebits", "explain", "--out", str(folder / "record")]
    command += ["--json", str(folder / "result.json"), *options, "--", "python", str(program)]
    environment = dict(os.environ, PATH=str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"])
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1, (done.stdout, done.stderr)
    return json.loads((folder / "result.json").read_text()), done.stdout


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_race_of_an_operator_is_blamed_on_it_and_two_controls_remove_it(tmp_path):
    result, shown = explained(SAMPLES / "torch_races_on_rows.py", tmp_path)
    found = result["explanation"]
    assert found["cause"] == ["torch-deterministic"]
    assert found["operator"] == "aten::index_put"
    assert "torch.use_deterministic_algorithms(True)" in shown


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_shuffle_without_a_seed_is_named_and_no_operator_is_blamed(tmp_path):
    result, _ = explained(KNOWN / "shuffles_without_a_seed.py", tmp_path)
    found = result["explanation"]
    assert found["cause"] == ["torch-seed"]
    assert found["operator"] is None
    assert found["compared"].startswith("whole trials")


@pytest.mark.skipif(find_spec("keras") is None or find_spec("tensorflow") is None, reason="Keras is not installed")
def test_a_generator_without_a_seed_is_named_in_keras(tmp_path):
    result, _ = explained(KNOWN / "keras_shuffles_without_a_seed.py", tmp_path)
    assert result["explanation"]["cause"] == ["numpy-generator"]
