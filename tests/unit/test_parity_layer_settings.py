"""The settings of layers of Keras and of PyTorch, in one vocabulary."""

import pytest

from samebits_parity.layer_settings import differing, in_words, same

CONV = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}


@pytest.mark.parametrize(
    ("keras", "pytorch", "names"),
    [
        (("Conv2D", CONV), ("Conv2d", {"kernel_size": [3, 3], "stride": [1, 1], "padding": [1, 1]}), []),
        (("Conv2D", CONV), ("Conv2d", {"kernel_size": [3, 3], "padding": [0, 0]}), ["padding"]),
        (("Conv2D", CONV), ("Conv2d", {"padding": [1, 1], "padding_mode": "reflect"}), ["padded with"]),
        (("Conv2D", {**CONV, "strides": [2, 2]}), ("Conv2d", {"stride": [2, 2], "padding": [1, 1]}), ["padding"]),
        (("Conv2D", {**CONV, "padding": "valid"}), ("Conv2d", {"padding": [0, 0]}), []),
        (("DepthwiseConv2D", {**CONV, "groups": 1}), ("Conv2d", {"groups": 8, "padding": [1, 1]}), []),
        (("Conv2DTranspose", CONV), ("ConvTranspose2d", {"padding": [0, 0]}), []),
        (("MaxPooling2D", {"pool_size": [2, 2]}), ("MaxPool2d", {"kernel_size": 2}), []),
        (("MaxPooling2D", {"pool_size": [2, 2]}), ("AvgPool2d", {"kernel_size": 3}), ["size", "pooling"]),
        (("LeakyReLU", {"alpha": 0.30000001192}), ("LeakyReLU", {"negative_slope": 0.3}), []),
        (("LeakyReLU", {"negative_slope": 0.3}), ("LeakyReLU", {"negative_slope": 0.01}), ["slope"]),
        (("Activation", {"activation": "swish"}), ("SiLU", {}), []),
        (("Dense", {"activation": "relu"}), ("Linear", {"in_features": 3}), []),
        (("BatchNormalization", {"epsilon": 1e-3, "momentum": 0.99}), ("BatchNorm2d", {"eps": 1e-5}), ["epsilon"]),
        (("SimpleRNN", {"activation": "relu"}), ("RNN", {"nonlinearity": "tanh"}), ["activation"]),
    ],
)
def test_what_differs_between_two_layers(keras, pytorch, names):
    assert [name for name, _, _ in differing(in_words(*keras), in_words(*pytorch))] == names


def test_settings_are_the_same_up_to_how_they_are_written():
    assert same(0.001, 1e-3)
    assert same([2, 2], 2)
    assert not same(0.001, 1e-5)
    assert not same([2, 2], [2])
    assert not same("same", 1.0)
