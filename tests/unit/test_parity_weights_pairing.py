"""Layers are paired by order, kind and shape; what finds none is named with what would match."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits_parity.weights import transfer, verdict
from samebits_parity.weights.models import Layer, ModelArray, ModelFacts
from samebits_parity.weights.pairs import pair_layers
from samebits_parity.weights.verification import OutputGap, settled

FEW = settings(max_examples=50, deadline=None)


def model(side, library, *layers):
    """A model of (name, kind, {role: shape}, fields of Layer)."""
    weights, made = [], []
    for number, (name, kind, shapes, fields) in enumerate(layers):
        roles = {role: len(weights) + place for place, role in enumerate(shapes)}
        dtype = fields.pop("dtype", "float32")
        weights += [ModelArray(f"{name}/{role}", tuple(shape), dtype) for role, shape in shapes.items()]
        made.append(Layer(number=number, name=name, kind=kind, of_class=kind, roles=roles, **fields))
    random = np.random.default_rng(0)
    arrays = {n: random.standard_normal(weight.shape).astype("float32") for n, weight in enumerate(weights)}
    return ModelFacts(
        side=side, said=side, library=library, version="", weights=tuple(weights), layers=tuple(made), arrays=arrays
    )


def keras_convolution(name, inputs, outputs, **fields):
    return name, "convolution", {"kernel": (3, 3, inputs, outputs), "bias": (outputs,)}, fields


def pytorch_convolution(name, inputs, outputs, **fields):
    return name, "convolution", {"weight": (outputs, inputs, 3, 3), "bias": (outputs,)}, fields


def names(pairing):
    return [(one.keras.name, one.pytorch.name) for one in pairing.pairs]


widths = st.lists(st.integers(1, 4), min_size=2, max_size=8)


@FEW
@given(widths)
def test_equal_rows_of_layers_are_paired_in_their_order(row):
    sizes = list(pairwise(row))
    keras = model("A", "keras", *(keras_convolution(f"k{n}", *both) for n, both in enumerate(sizes)))
    pytorch = model("B", "pytorch", *(pytorch_convolution(f"p{n}", *both) for n, both in enumerate(sizes)))
    found = pair_layers(keras, pytorch)
    assert names(found) == [(f"k{n}", f"p{n}") for n in range(len(sizes))]
    assert not found.lonely


@FEW
@given(widths)
def test_what_is_carried_there_and_back_is_the_same_bits(row):
    sizes = list(pairwise(row))
    keras = model("A", "keras", *(keras_convolution(f"k{n}", *both) for n, both in enumerate(sizes)))
    pytorch = model("B", "pytorch", *(pytorch_convolution(f"p{n}", *both) for n, both in enumerate(sizes)))
    pairs = pair_layers(keras, pytorch).pairs
    there = transfer.carry(pairs, keras, pytorch, keras.arrays)
    back = transfer.carry(pairs, pytorch, keras, there.arrays)
    assert back.arrays.keys() == keras.arrays.keys()
    assert all(back.arrays[n].tobytes() == array.tobytes() for n, array in keras.arrays.items())


@FEW
@given(widths, st.integers(0, 7))
def test_a_layer_that_the_other_model_lacks_is_the_one_that_is_left(row, place):
    sizes = [(4 + n, 5 + n) for n in range(len(row))]  # no two alike, so that it is known which is missing
    place %= len(sizes)
    keras = model("A", "keras", *(keras_convolution(f"k{n}", *both) for n, both in enumerate(sizes)))
    rest = [(n, both) for n, both in enumerate(sizes) if n != place]
    pytorch = model("B", "pytorch", *(pytorch_convolution(f"p{n}", *both) for n, both in rest))
    found = pair_layers(keras, pytorch)
    assert names(found) == [(f"k{n}", f"p{n}") for n, _ in rest]
    assert [one.layer for one in found.lonely] == [f"k{place}"]


def test_another_width_is_named_with_both_shapes_and_what_would_match():
    keras = model("A", "keras", keras_convolution("one", 1, 8), keras_convolution("two", 8, 4))
    pytorch = model("B", "pytorch", pytorch_convolution("1", 1, 8), pytorch_convolution("2", 8, 5))
    (left,) = pair_layers(keras, pytorch).lonely
    assert (left.side, left.layer, left.beside) == ("A", "two", "2")
    assert left.shapes["kernel"] == (3, 3, 8, 4)
    assert left.beside_shapes["weight"] == (5, 8, 3, 3)
    assert left.would_match == {"weight": (4, 8, 3, 3), "bias": (4,)}


def test_layers_at_other_places_are_paired_where_nothing_else_fits():
    keras = model("A", "keras", keras_convolution("a", 1, 2), keras_convolution("b", 3, 4))
    pytorch = model("B", "pytorch", pytorch_convolution("b", 3, 4), pytorch_convolution("a", 1, 2))
    found = pair_layers(keras, pytorch)
    assert sorted(names(found)) == [("a", "a"), ("b", "b")]
    assert [one.moved for one in found.pairs].count(True) == 1


@pytest.mark.parametrize(
    ("fields", "shape", "said"),
    [
        ({"dtype": "complex64"}, (3, 2), "complex weights"),
        ({"dtype": "int32"}, (3, 2), "whole-number weights"),
        ({"dtype": "bfloat16"}, (3, 2), "numpy does not have"),
        ({}, (0, 2), "is empty"),
        ({"refused": "no layer does the same"}, (3, 2), "no layer does the same"),
    ],
)
def test_what_cannot_be_carried_is_named_and_the_rest_goes_on(fields, shape, said):
    keras = model("A", "keras", ("odd", "dense", {"kernel": shape}, fields), keras_convolution("b", 3, 4))
    found = pair_layers(keras, model("B", "pytorch", pytorch_convolution("b", 3, 4)))
    assert names(found) == [("b", "b")]
    (left,) = found.refused
    assert left.layer == "odd"
    assert said in left.why


def test_the_rows_after_a_flatten_are_put_in_pytorch_s_order():
    flatten = ("flat", "flatten", {}, {"input_shape": (2, 3, 4), "output_shape": (24,)})
    keras = model("A", "keras", flatten, ("dense", "dense", {"kernel": (24, 1)}, {}))
    pytorch = model("B", "pytorch", ("dense", "dense", {"weight": (1, 24)}, {}))
    carried = transfer.carry(pair_layers(keras, pytorch).pairs, keras, pytorch, {0: np.float32(np.arange(24)[:, None])})
    assert carried.arrays[0][0, :7].tolist() == [0, 4, 8, 12, 16, 20, 1]


def test_an_array_that_one_library_lacks_is_made_up_and_one_that_says_something_is_missed():
    keras = model("A", "keras", ("norm", "batch_norm", {"beta": (2,), "mean": (2,), "variance": (2,)}, {}))
    shapes = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (2,))
    pytorch = model("B", "pytorch", ("norm", "batch_norm", shapes, {}))
    pairs = pair_layers(keras, pytorch).pairs
    there = transfer.carry(pairs, keras, pytorch, keras.arrays)
    assert there.arrays[0].tolist() == [1, 1]
    assert not there.lost
    back = transfer.carry(pairs, pytorch, keras, {**pytorch.arrays, 0: np.float32([1, 1])})
    assert not back.lost
    assert len(transfer.carry(pairs, pytorch, keras, pytorch.arrays).lost) == 1


def test_settings_are_put_beside_each_other():
    keras = model("A", "keras", keras_convolution("a", 1, 2, settings={"strides": [1, 1], "padding": [[0, 1]]}))
    pytorch = model("B", "pytorch", pytorch_convolution("b", 1, 2, settings={"strides": [1, 1], "padding": [[1, 1]]}))
    (one,) = verdict.of_pair(pair_layers(keras, pytorch).pairs[0])
    assert (one.setting, one.keras, one.pytorch) == ("padding", [[0, 1]], [[1, 1]])


NEAR, FAR, UNLIKE = OutputGap(1e-7, 1e-5), OutputGap(1.0, 1e-5), OutputGap(None, 1e-5, why="shapes", shapes_differ=True)


@pytest.mark.parametrize(
    ("layers", "whole", "place", "cut"),
    [
        ([UNLIKE, NEAR], NEAR, 0, True),
        ([UNLIKE, UNLIKE, NEAR], FAR, 0, True),
        ([UNLIKE, FAR], FAR, 0, False),
        ([NEAR, UNLIKE], NEAR, 1, True),
        ([NEAR, UNLIKE], FAR, 1, False),
    ],
)
def test_a_layer_of_a_different_shape_disagrees_unless_what_follows_agrees(layers, whole, place, cut):
    found = settled(layers, whole)[place]
    assert found.is_cut == cut
    assert found.agrees is (None if cut else False)
