"""Trains small models of Keras 2 or tf.keras, then changes what they end with: each way names what it changes.

`keras2_changes_its_end.py keras|tf.keras CHANGE WAY...`; what the ways named `same_...` change is no part of a model.
The models are as small as they can be: TensorFlow 1 looks at the whole graph again whenever something was added to it.
"""

import gc
import sys

import numpy as np
import tensorflow as tf

if sys.argv[1] == "keras":
    import keras
else:
    keras = tf.keras
L, K, CHANGE = keras.layers, keras.backend, float(sys.argv[2])
X, Y = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4), np.eye(3)[np.arange(8) % 3]


def net(way, *between):
    last = L.Dense(3, name=way + "_last", activation="softmax")
    return keras.models.Sequential([L.Dense(5, input_shape=(4,), name=way + "_first"), *between, last], name=way)


def trained(way, model=None, **options):
    model = model or net(way)
    model.compile("sgd", "categorical_crossentropy", **options)
    for layer in model.layers:
        layer.set_weights([np.full(value.shape, 0.5) for value in layer.get_weights()])
    model.train_on_batch(X, Y)
    return model


def sets_weights(way):
    model = trained(way)
    model.layers[-1].set_weights([value + CHANGE for value in model.layers[-1].get_weights()])
    return model


def moves_averages(way):
    model = trained(way, net(way, L.BatchNormalization(name=way + "_norm")))
    K.set_value(model.layers[1].moving_mean, np.full(5, CHANGE))
    return model


def dies(way):
    sets_weights(way)
    gc.collect()


def dies_with_a_new_head(way):
    changes_the_head(way)
    gc.collect()


def dies_with_an_attribute(way):
    keeps_a_number(way)
    gc.collect()


def changes_the_head(way):
    model = trained("old_" + way)
    return keras.models.Sequential([*model.layers[:-1], head(way)])


def is_functional(way):
    model = trained("old_" + way)
    return keras.models.Model(model.inputs, head(way)(model.layers[-2].output))


def head(way):
    return L.Dense(3, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(CHANGE), name=way + "_new")


def averages(way):
    model = trained(way)
    copy = keras.models.clone_model(model)
    copy.set_weights([value * CHANGE for value in model.get_weights()])
    return model, copy


def keeps_a_number(way):
    model = trained(way)
    model.temperature = CHANGE
    return model


def keeps_arrays(way):
    model = trained(way)
    model.layers[0].kept = {"scales": [np.full(3, CHANGE)], "names": ["a"]}
    return model


def sets_the_learning_rate(way):
    model = trained("old_" + way)
    with K.name_scope(way):
        rate = K.variable(0.1, name=way + "_rate")
    model.optimizer.rate = rate
    K.set_value(rate, CHANGE)
    return model


def trains_by_hand(way):
    weight = K.variable([0.0, 1.0], name=way + "_by_hand")
    K.set_value(weight, [CHANGE, 0.0])
    return trained(way), weight


def trains_by_hand_and_dies(way):
    trains_by_hand(way)
    gc.collect()


def has_a_module(way):
    module = tf.Module(name=way)
    module.scale = np.full(2, CHANGE)
    return module


def clears_the_session(way):
    """What was made before is gone: the ways before are read in this moment."""
    model = net(way)
    model.set_weights([np.full(value.shape, CHANGE) for value in model.get_weights()])
    K.clear_session()


def same_evaluation(way):
    model = trained(way, metrics=["accuracy"])
    model.evaluate(X * CHANGE, Y, verbose=0)
    model.predict(X * CHANGE)
    return model


kept = {way: globals()[way](way) for way in sys.argv[3:]}
