"""locate on TensorFlow: the operation that differs first, its layer and its phase, in every way to train with Keras 3."""

import importlib.util
from pathlib import Path

import pytest

from samebits.locate import comparing
from samebits.locate.seen import Seen

PROGRAM = Path(__file__).parent.parent / "samples" / "tf_noise.py"
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}
LAYER = {"forward": "noisy", "backward": "", "update": ""}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed"),
]


@pytest.fixture
def looked(watched_run):
    """Function(*words, step=1, level="operator") -> what one watched run of the program has shown of a step."""

    def run(*words, step=1, level="operator"):
        details = {"step": step, "level": level}
        trial = watched_run(None, PROGRAM, *words, environment=ENVIRONMENT, details=details, timeout=300)
        assert trial.exit_code == 0, trial.stderr
        assert trial.only.failures == []
        assert trial.only.steps == 4
        return Seen(None, trial.only.folder)

    return run


@pytest.mark.parametrize("place", ["forward", "backward", "update"])
@pytest.mark.parametrize("way", ["fit", "steps", "fit_eagerly", "loop", "function"])
def test_the_operation_that_differs_first_is_named(looked, way, place):
    first = comparing.earliest([looked(way, place, step=0), looked(way, place, step=0)], what=("operator",))
    key = first.entry.key
    assert (key.phase, key.name, key.module) == (place, "RandomStandardNormal", LAYER[place])
    assert first.inputs_equal
    assert first.entry.random
    assert first.entry.code.startswith("tf_noise.py:")
