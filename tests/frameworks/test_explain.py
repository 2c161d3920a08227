"""explain, as a user runs it, on programs that train with PyTorch and Keras."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

KNOWN = Path(__file__).resolve().parents[1] / "known"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"

pytestmark = pytest.mark.slow(seconds=150)  # some thirty trials each, of programs that import a framework


@pytest.fixture
def explained(samebits, tmp_path):
    """Function(program) -> the result of `samebits explain`, and what it showed."""

    def run(program):
        words = ["--out", "record", "--json", "result.json", "--", "python", program]
        done = samebits("explain", *words, cwd=tmp_path)
        assert done.returncode == 1, (done.stdout, done.stderr)
        return json.loads((tmp_path / "result.json").read_text()), done.stdout

    return run


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_race_of_an_operator_is_blamed_on_it_and_two_controls_remove_it(explained):
    result, shown = explained(SAMPLES / "torch_races_on_rows.py")
    found = result["explanation"]
    assert found["cause"] == ["torch-deterministic"]
    assert found["operator"] == "aten::index_put"
    assert "torch.use_deterministic_algorithms(True)" in shown


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_a_shuffle_without_a_seed_is_named_and_no_operator_is_blamed(explained):
    result, _ = explained(KNOWN / "shuffles_without_a_seed.py")
    found = result["explanation"]
    assert found["cause"] == ["torch-seed"]
    assert found["operator"] is None
    assert found["compared"].startswith("whole trials")


@pytest.mark.skipif(find_spec("keras") is None or find_spec("tensorflow") is None, reason="Keras is not installed")
def test_a_generator_without_a_seed_is_named_in_keras(explained):
    result, _ = explained(KNOWN / "keras_shuffles_without_a_seed.py")
    assert result["explanation"]["cause"] == ["numpy-generator"]
