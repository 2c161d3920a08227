"""The rules between Keras' and PyTorch's arrays: each direction undoes the other, bit for bit, for all shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits_parity.weights import rules

FEW = settings(max_examples=50, deadline=None)
few = st.integers(1, 4)
ZEROS = [0.0, -0.0]


def drawn(data, shape):
    """float32 of any bits: negative zeros, NaNs and their payloads too."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    bits = np.random.default_rng(seed).integers(0, 2**32, shape, dtype=np.uint32)
    return bits.view(np.float32)


def same_bits(a, b):
    return a.shape == b.shape and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def back_and_forth(rule, arrays):
    carried = rule.to_pytorch(arrays)
    again = rule.to_keras(carried)
    assert again.keys() == arrays.keys()
    assert all(same_bits(again[role], array) for role, array in arrays.items())
    return carried


def of_shapes(data, **shapes):
    return {role: drawn(data, shape) for role, shape in shapes.items()}


@FEW
@given(st.data(), st.lists(few, min_size=1, max_size=3), few, few)
def test_a_kernel_of_one_to_three_dimensions_comes_back(data, size, inputs, outputs):
    rule = rules.with_kernel(rules.CONVOLUTION)
    arrays = of_shapes(data, kernel=(*size, inputs, outputs), bias=(outputs,))
    assert back_and_forth(rule, arrays)["weight"].shape == (outputs, inputs, *size)


@FEW
@given(st.data(), st.lists(few, min_size=1, max_size=3), few, few)
def test_a_depthwise_kernel_comes_back(data, size, inputs, multiplier):
    rule = rules.with_kernel(rules.depthwise(inputs))
    arrays = of_shapes(data, kernel=(*size, inputs, multiplier), bias=(inputs * multiplier,))
    assert back_and_forth(rule, arrays)["weight"].shape == (inputs * multiplier, 1, *size)


@FEW
@given(st.data(), few, few)
def test_a_dense_kernel_comes_back(data, inputs, outputs):
    arrays = of_shapes(data, kernel=(inputs, outputs), bias=(outputs,))
    assert back_and_forth(rules.with_kernel(rules.DENSE), arrays)["weight"].shape == (outputs, inputs)


@FEW
@given(st.data(), st.lists(few, min_size=2, max_size=4), few)
def test_a_dense_layer_beside_a_flattened_tensor_comes_back(data, shape, other):
    size = int(np.prod(shape))
    after = rules.with_kernel(rules.dense_after_flatten(*shape))
    back_and_forth(after, of_shapes(data, kernel=(size, other)))
    before = rules.with_kernel(rules.dense_before_reshape(*shape), rules.flattened(*shape))
    back_and_forth(before, of_shapes(data, kernel=(other, size), bias=(size,)))


@FEW
@given(st.data(), st.lists(few, min_size=2, max_size=4), few)
def test_a_dense_layer_after_flatten_gives_the_same_sums(data, shape, outputs):
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    image, kernel = generator.integers(-9, 9, shape), generator.integers(-9, 9, (int(np.prod(shape)), outputs))
    weight = rules.dense_after_flatten(*shape).to_pytorch(kernel)
    assert (weight @ np.moveaxis(image, -1, 0).ravel() == image.ravel() @ kernel).all()


@FEW
@given(st.data(), st.lists(few, min_size=2, max_size=4), few)
def test_a_dense_layer_before_reshape_gives_the_same_tensor(data, shape, inputs):
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    vector, kernel = generator.integers(-9, 9, inputs), generator.integers(-9, 9, (inputs, int(np.prod(shape))))
    weight = rules.dense_before_reshape(*shape).to_pytorch(kernel)
    channels_first = (weight @ vector).reshape(shape[-1], *shape[:-1])
    assert (np.moveaxis(channels_first, 0, -1) == (vector @ kernel).reshape(shape)).all()


@FEW
@given(st.data(), few, st.booleans())
def test_normalizations_come_back(data, channels, averages):
    shapes = dict.fromkeys(("gamma", "beta", *(("mean", "variance") if averages else ())), (channels,))
    back_and_forth(rules.scaled(), of_shapes(data, **shapes))


@FEW
@given(st.data(), few, few)
def test_a_parametric_activation_comes_back(data, channels, rank):
    back_and_forth(rules.parametric(channels, rank), of_shapes(data, alpha=(*[1] * (rank - 1), channels)))


def recurrent(data, inputs, units, gates, *, rows=()):
    return {
        "kernel": drawn(data, (inputs, gates * units)),
        "recurrent": drawn(data, (units, gates * units)),
        "bias": drawn(data, (*rows, gates * units)),
    }


@FEW
@given(st.data(), few, few, st.booleans())
@pytest.mark.parametrize(("name", "gates", "rows"), [("LSTM", 4, ()), ("GRU", 3, (2,)), ("SIMPLE_RECURRENT", 1, ())])
def test_recurrent_layers_come_back_in_one_direction_and_in_both(name, gates, rows, data, inputs, units, both):
    rule, arrays = getattr(rules, name), recurrent(data, inputs, units, gates, rows=rows)
    if both:
        rule = rules.bidirectional(rule)
        again = recurrent(data, inputs, units, gates, rows=rows)
        arrays |= {role + rules.REVERSE: array for role, array in again.items()}
    carried = back_and_forth(rule, arrays)
    assert carried["weight_ih"].shape == (gates * units, inputs)
    assert carried["bias_hh"].shape == (gates * units,)


@FEW
@given(st.sampled_from(ZEROS), st.floats(width=32, allow_nan=False))
def test_two_biases_of_pytorch_are_added_and_a_zero_changes_no_bit(zero, number):
    first, second = np.float32([number, zero, 1.5]), np.float32([zero, number, 2.25])
    arrays = {"weight_ih": np.zeros((3, 1)), "weight_hh": np.zeros((3, 3)), "bias_ih": first, "bias_hh": second}
    bias = rules.SIMPLE_RECURRENT.to_keras(arrays)["bias"]
    assert same_bits(bias[:1], first[:1])
    assert bias[2] == np.float32(3.75)


def test_the_gates_of_a_gru_change_places():
    arrays = {"kernel": np.float32([[1, 2, 3]]), "recurrent": np.float32([[4, 5, 6]])}
    carried = rules.GRU.to_pytorch(arrays)
    assert carried["weight_ih"].ravel().tolist() == [2, 1, 3]
    assert carried["weight_hh"].ravel().tolist() == [5, 4, 6]


@FEW
@given(st.data(), few, few, st.booleans())
def test_attention_comes_back(data, heads, key, biases):
    model = heads * key
    shapes = {f"{name}_kernel": (model, heads, key) for name in rules.PROJECTIONS}
    shapes["output_kernel"] = (heads, key, model)
    if biases:
        shapes |= {f"{name}_bias": (heads, key) for name in rules.PROJECTIONS} | {"output_bias": (model,)}
    carried = back_and_forth(rules.attention(heads), of_shapes(data, **shapes))
    assert carried["in_proj_weight"].shape == (3 * model, model)
