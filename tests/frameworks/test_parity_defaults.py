"""What installed libraries do under equal names: known agreements and differences, each measured."""

import functools
import sys

import pytest

from samebits.errors import NotFoundError
from samebits_parity import defaults, sides
from samebits_parity.options import GROUPS

SLOW = {"keras-tf1.14", "keras-tf2.1", "keras3-torch"}  # other backends of Keras 3: the same script
TORCH = ("pytorch", "pytorch-1.3")
HERE = (*TORCH, *sorted(SLOW), "flax")

# behaviour -> what it means in Keras 2.3.1, Keras 3, PyTorch of today; None: it has none
MEANINGS = {
    "adam.epsilon": ("1e-07", "1e-07", "1e-08"),
    "adam.epsilon.place": ("before", "before", "after"),
    "adam.beta1": ("0.9", "0.9", "0.9"),
    "adam.beta2": ("0.999", "0.999", "0.999"),
    "adam.decay": (None, "weights", "gradient"),
    "adamw.factor": (None, "0.004", "0.01"),
    "sgd.momentum": ("step", "step", "gradient"),
    "sgd.decay": (None, "weights", "gradient"),
    "rmsprop.rho": ("0.9", "0.9", "0.99"),
    "rmsprop.epsilon.place": ("outside", "inside", "outside"),
    "adagrad.start": ("0", "0.1", "0"),
    "l2.gradient": ("twice", "twice", "once"),
    "l2.bias": ("kernel", "kernel", "both"),
    "clip.norm.over": ("all", "tensor", "all"),
    "clip.global": (None, "exact", "added"),
    "mse.reduction": ("elements", "elements", "elements"),
    "kl.reduction": ("samples", "samples", "elements"),
    "categorical.input": ("renormalised", "renormalised", "logits"),
    "categorical.smoothing": ("all", "all", "all"),
    "categorical.weights": ("samples", "samples", "weights"),
    "bce.zero": ("clipped twice", "clipped", "bounded"),
    "l2.loss": ("held", "held", "without"),
}


@functools.cache
def measured(library):
    """A library alone: {behaviour: Measured}, and its signatures."""
    found = defaults.compare([library], GROUPS, lambda _: None)
    return {line.behaviour: line for line in found.measured}, {line.name: line for line in found.signatures}


@pytest.fixture
def library(request):
    """The id of a library that is here."""
    try:
        sides.interpreter(sides.SIDES[request.param])
    except NotFoundError as why:
        pytest.skip(f"{why.message} {why.advice} ({sys.executable} has it not either)")
    return request.param


def libraries(*names):
    given = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else []) for name in names]
    return pytest.mark.parametrize("library", given, indirect=True)


@libraries("keras-tf1.14", "keras3-torch", "pytorch")
def test_known_agreements_and_differences_are_measured(library):
    place = ("keras-tf1.14", "keras3-torch", "pytorch").index(library)
    lines, _ = measured(library)
    wrong = {id: lines[id] for id, meanings in MEANINGS.items() if lines[id].meaning != meanings[place]}
    assert not wrong


@libraries(*HERE)
def test_nothing_fails_and_every_number_is_known(library):
    lines, _ = measured(library)
    assert not [line for line in lines.values() if line.status == "failed"]
    assert not [line for line in lines.values() if (line.meaning or "").startswith("unknown")]


@libraries("keras-tf1.14")
def test_keras_of_old_corrects_its_first_step_of_adam_as_the_second(library):
    assert measured(library)[0]["adam.count"].words == "as step 2"  # with one thread, which the script sets


@libraries("pytorch-1.3")
def test_binary_cross_entropy_of_pytorch_1_3_adds_an_epsilon(library):
    lines, _ = measured(library)
    assert lines["bce.zero"].meaning == "added"
    assert lines["adam.epsilon.place"].meaning == "after"
    assert lines["sgd.rate"].status == "none"


@libraries("flax")
def test_optax_starts_adagrad_as_keras_does_and_takes_probabilities_of_no_class(library):
    lines, _ = measured(library)
    assert lines["adagrad.start"].meaning == "0.1"
    assert lines["categorical.input"].meaning == "logits"


@libraries("pytorch", "keras-tf1.14")
def test_signatures_are_those_of_the_installed_library(library):
    _, signatures = measured(library)
    defaults = {one.row: one.default for one in signatures["Adam"].parameters}
    assert float(defaults["learning rate"]) == 0.001
    assert {"Dense", "Batch norm", "SGD"} <= set(signatures)
    assert ("AdamW" in signatures) == (library == "pytorch")


@libraries("pytorch-1.3")
def test_two_measurements_of_a_library_agree(library):
    found = defaults.compare([library], GROUPS, lambda _: None)
    assert [(line.meaning, line.numbers) for line in found.measured] == [
        (line.meaning, line.numbers) for line in measured(library)[0].values()
    ]
