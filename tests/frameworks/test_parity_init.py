"""Initial weights of the real libraries, of today and of the legacy stacks: what is found there does not change."""

import functools
import importlib.util
import math
import sys

import pytest

from samebits.errors import NotFoundError
from samebits.reports.tree import Notes
from samebits_parity import init, sides
from samebits_parity.init.distributions import SHRINK
from samebits_parity.sides import SIDES

KERAS = [pytest.param(name, marks=pytest.mark.slow) for name in ("keras-tf1.14", "keras-tf2.1", "keras3-torch")]
IDS = ("pytorch", "pytorch-1.3", *KERAS, "jax")


@functools.cache
def measured(library):
    """The lines of a library and its notes; skips where it is not here."""
    try:
        sides.interpreter(SIDES[library])
    except NotFoundError as why:
        pytest.skip(f"{why.message} {why.advice}")
    compared = init.compare([library], lambda said: None)
    notes = [line for block in compared.report.blocks if isinstance(block, Notes) for line in block.lines]
    return compared.lines, notes


def lines(library, initializer, layout=None):
    """The lines of an initializer or a weight (of a layout)."""
    found = [line for line in measured(library)[0] if line.initializer == initializer and layout in (None, line.layout)]
    assert found, (library, initializer, layout)
    return found


@pytest.mark.parametrize("library", IDS)
def test_every_case_is_drawn_and_has_a_family(library):
    found, notes = measured(library)
    assert [note for note in notes if "could not be drawn" in note] == []
    assert [line.initializer for line in found if line.family == "other" and not line.detail] == []


@pytest.mark.parametrize("library", IDS)
def test_glorot_uniform_is_equation_1_in_every_library(library):
    name = "xavier_uniform_" if library.startswith("pytorch") else "glorot_uniform"
    assert {line.equation for line in lines(library, name)} == {1}
    (dense,) = lines(library, name, "dense")
    assert dense.limit == pytest.approx(math.sqrt(6 / 780), rel=1e-3)
    assert dense.agrees


@pytest.mark.parametrize("library", KERAS)
def test_keras_layers_start_from_equation_1_with_zero_biases(library):
    for layer in ("Dense", "Conv2D", "Conv2DTranspose"):
        assert {line.equation for line in lines(library, f"{layer}.kernel")} == {1}
        assert {(line.family, line.limit) for line in lines(library, f"{layer}.bias")} == {("constant", 0)}


@pytest.mark.parametrize("library", KERAS)
def test_keras_cuts_after_scaling_and_calls_what_was_before_the_deviation(library):
    (line,) = lines(library, "truncated_normal")
    assert not line.agrees
    assert line.instead.startswith("truncated normal, stddev before it is cut")  # on PyTorch, some lie outside
    assert line.deviation == pytest.approx(0.05 * SHRINK, rel=0.02)


@pytest.mark.parametrize("library", KERAS)
def test_keras_counts_the_fans_of_transposed_and_depthwise_kernels_as_of_ordinary_ones(library):
    for layout in ("transposed", "depthwise"):
        (line,) = lines(library, "he_uniform", layout)
        assert not line.agrees
        assert line.instead.endswith("fans as an ordinary convolution of this shape")


@pytest.mark.parametrize("library", KERAS)
def test_the_forget_gate_starts_at_one_and_recurrent_kernels_are_orthogonal(library):
    (bias,) = lines(library, "LSTM.bias")
    assert (bias.family, bias.agrees) == ("other", True)
    for layer in ("LSTM", "GRU"):
        (recurrent,) = lines(library, f"{layer}.recurrent_kernel")
        assert (recurrent.family, recurrent.agrees) == ("orthogonal", True)


@pytest.mark.parametrize("library", KERAS[:2])
def test_keras_2_documents_a_default_that_its_signature_does_not_have(library):
    (line,) = lines(library, "random_uniform")
    assert (line.agrees, line.documented.limit) == (False, 1.0)
    assert line.limit == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("library", ["pytorch", "pytorch-1.3"])
def test_pytorch_layers_start_from_kaiming_with_a_slope_of_root_five(library):
    (initializer,) = lines(library, "kaiming_uniform_(a=2.236)")
    assert initializer.limit == pytest.approx(lines(library, "Linear.weight")[0].limit, rel=1e-3)
    for weight in ("Linear.weight", "Linear.bias", "LSTM.weight_ih_l0", "LSTM.bias_hh_l0", "GRU.weight_hh_l0"):
        assert all(line.agrees and line.documented.read for line in lines(library, weight))


def test_pytorch_1_3_documents_other_fans_of_transposed_and_grouped_convolutions_than_it_has():
    for weight in ("weight", "bias"):
        for line in lines("pytorch-1.3", f"ConvTranspose2d.{weight}"):
            assert (line.agrees, line.instead) == (False, "limit = sqrt(groups / (C_out * window))")
        (line,) = lines("pytorch-1.3", f"Conv2d depthwise.{weight}")
        assert (line.agrees, line.instead) == (False, "limit = sqrt(groups / (C_in * window))")


def test_pytorch_of_today_documents_them_as_they_are():
    names = [f"{layer}.{weight}" for layer in ("ConvTranspose2d", "Conv2d depthwise") for weight in ("weight", "bias")]
    for name in names:
        assert all(line.agrees and line.documented.read for line in lines("pytorch", name))


def test_jax_draws_all_that_it_documents():
    found, _ = measured("jax")
    assert [line.initializer for line in found if not line.agrees] == []
    assert all(line.documented.read for line in found)


def test_flax_layers_start_as_documented():
    if importlib.util.find_spec("flax") is None:
        pytest.skip(f"flax is not installed beside {sys.executable}")
    found, _ = measured("flax")
    assert [line.initializer for line in found if not line.agrees] == []
    assert lines("flax", "Dense.kernel")[0].family == "truncated normal"
