"""Keras 3 models with every kind of layer that is carried to PyTorch."""

import os
import sys

import keras
from keras import layers as L


def images():
    image = keras.Input((12, 10, 4))
    x = L.Conv2D(8, 3, padding="same", groups=2, activation="relu")(image)
    x = L.BatchNormalization()(x)
    x = L.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu")(x)
    x = L.PReLU(shared_axes=[1, 2])(x)
    x = L.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = L.GroupNormalization(3)(x)
    x = L.Conv2DTranspose(4, 3, strides=2)(x)
    x = L.AveragePooling2D(2)(x)
    x = L.Flatten()(x)
    x = L.BatchNormalization()(x)
    x = L.Dense(6)(x)
    x = L.LayerNormalization()(x)
    x = L.Dense(24, use_bias=False)(x)
    x = L.BatchNormalization(scale=False)(x)
    x = L.Reshape((3, 2, 4))(x)
    return keras.Model(image, L.Conv2D(2, 1)(x))


def words():
    text = keras.Input((9,), dtype="int32")
    x = L.Conv1D(6, 3, padding="causal")(L.Embedding(20, 8)(text))
    x = L.Bidirectional(L.LSTM(5, return_sequences=True))(x)
    x = L.GRU(4, return_sequences=True)(x)
    for _ in range(2):
        x = L.LSTM(3, return_sequences=True)(x)
    x = L.SimpleRNN(8, return_sequences=True)(x)
    x = L.MultiHeadAttention(2, 4)(x, x)
    x = L.Bidirectional(L.GRU(3))(x)
    return keras.Model(text, L.Dense(2, activation="softmax")(x))


class Volume(keras.Model):
    """A model of its own class says nothing of its inputs or the order of its layers."""

    def __init__(self):
        super().__init__()
        self.last = L.Dense(3)
        self.first = L.Conv3D(3, 2)
        self.flat = L.Flatten()

    def call(self, x):
        return self.last(self.flat(self.first(x)))


def small():
    return keras.Sequential([
        keras.Input((8, 8, 3)), L.Conv2D(4, 3, strides=2, padding="same"), L.BatchNormalization(),
        L.LeakyReLU(negative_slope=0.3), L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax"),
    ])


def enlarging():
    """Its twin cuts what the transposed convolution gives. Both call an activation as a function."""
    image = keras.Input((6, 6, 2))
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same")(image)
    x = keras.ops.relu(L.Conv2D(3, 3, padding="same")(x))
    return keras.Model(image, L.Dense(5, activation="tanh")(L.Flatten()(x)))


def no_counterparts():
    return keras.Sequential([
        keras.Input((6, 3)), L.Dense(4), L.GRU(4, reset_after=False, return_sequences=True), L.UnitNormalization(),
        L.GRU(4), L.Dense(2),
    ])


def unet():
    """The study's."""
    sys.path.insert(0, os.environ["SCRIPTS"])
    import unet_keras

    return unet_keras.unet(16, 2)
