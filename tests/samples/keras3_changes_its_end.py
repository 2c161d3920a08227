"""Trains small Keras models, then changes what they end with: each way gives its own name to what it changes.

The first argument is what the changes depend on; the others are ways. What the ways named `same_...` change is neither
a weight nor anything else that a model is made of.
"""

import gc
import sys

import keras
import numpy as np

L, CHANGE = keras.layers, float(sys.argv[1])
X, Y = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4), np.arange(8) % 3


def net(way):
    layers = [L.Input((4,)), L.Dense(5, name=way + "_first"), L.BatchNormalization(name=way + "_norm")]
    return keras.Sequential(layers + [L.Dense(3, name=way + "_last")], name=way)


def trained(way, model=None):
    keras.utils.set_random_seed(1)
    model = model or net(way)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.train_on_batch(X, Y)
    return model


class Headed(keras.Model):
    """A model of the program's own class."""

    def __init__(self, way):
        super().__init__(name=way)
        self.head = L.Dense(3, name=way + "_head")

    def call(self, inputs):
        return self.head(inputs)


def sets_weights(way):
    model = trained(way)
    model.layers[-1].set_weights([value + CHANGE for value in model.layers[-1].get_weights()])
    return model


def assigns(way):
    model = trained(way)
    model.layers[0].kernel.assign_add(np.full((4, 5), CHANGE))
    return model


def moves_averages(way):
    model = trained(way)
    model.layers[1].moving_mean.assign(np.full(5, CHANGE))
    return model


def loads_weights(way):
    model, path = trained(way), way + ".weights.h5"
    model.save_weights(path)
    model.layers[0].bias.assign(np.full(5, CHANGE))
    model.save_weights(path)
    model.layers[0].bias.assign(np.zeros(5))
    model.load_weights(path)
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
    new = L.Dense(3, bias_initializer=constant(), name=way + "_new")
    return keras.Sequential([L.Input((4,)), *model.layers[:-1], new])


def is_functional(way):
    model = trained("old_" + way)
    new = L.Dense(2, bias_initializer=constant(), name=way + "_new")
    return keras.Model(model.inputs, new(model.layers[-2].output))


def constant():
    return keras.initializers.Constant(CHANGE)


def averages(way):
    """A copy of the weights that is never compiled, fitted or called."""
    model = trained(way)
    copy = keras.models.clone_model(model)
    copy.set_weights([value * CHANGE for value in model.get_weights()])
    return model, copy


def replaces_a_layer(way):
    model = trained(way)
    model.pop()
    model.add(L.Dense(3, bias_initializer=constant(), name=way + "_new"))
    return model


def is_only_built(way):
    model = net(way)
    model.layers[0].bias.assign(np.full(5, CHANGE))
    return model


def keeps_a_number(way):
    model = trained(way, Headed(way))
    model.temperature = CHANGE
    return model


def keeps_arrays(way):
    model = trained(way, Headed(way))
    model.kept = {"scales": [np.full(3, CHANGE)], "names": ["a"]}
    return model


def keeps_a_tensor(way):
    model = trained(way)
    model.layers[0]._codebook = keras.ops.convert_to_tensor(np.full(3, CHANGE, "float32"))
    return model


def sets_a_rate(way):
    model = trained(way, keras.Sequential([L.Input((4,)), L.Dropout(0.5, name=way + "_drop"), L.Dense(3)]))
    model.layers[0].rate = CHANGE / 10
    return model


def sets_the_learning_rate(way):
    model = trained(way)
    model.optimizer = keras.optimizers.SGD(CHANGE, name=way)
    model.optimizer.build(model.trainable_variables)
    return model


def makes_many(way):
    return [sets_bias(L.Dense(1, name="%s_%d" % (way, number))) for number in range(50)]


def sets_bias(layer):
    layer.build((None, 1))
    layer.bias.assign([CHANGE])
    return layer


def has_a_variable(way):
    return keras.Variable(np.full(3, CHANGE), name=way)


def adapts(way):
    layer = L.Normalization(name=way)
    layer.adapt(X * CHANGE)
    return layer


def looks_up(way):
    return L.StringLookup(vocabulary=["a", "b"] if CHANGE < 2 else ["b", "a"], name=way)


# -- TensorFlow -----------------------------------------------------------------------------------------------


def trains_by_hand(way):
    import tensorflow as tf

    model, weight = trained(way), tf.Variable([0.0, 1.0], name=way + "_by_hand")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weight * CHANGE)
    weight.assign_sub(tape.gradient(loss, weight))
    return model, weight


def trains_by_hand_and_dies(way):
    trains_by_hand(way)


def has_a_module(way):
    import tensorflow as tf

    module = tf.Module(name=way)
    module.scale, module.weight = tf.constant([CHANGE]), tf.Variable([1.0], name=way)
    return module


# -- torch ----------------------------------------------------------------------------------------------------


def changes_below(way):
    import torch

    model = trained(way)
    with torch.no_grad():
        model.layers[0].kernel.value.add_(CHANGE)
    return model


def swaps_parameters(way):
    import torch

    model = trained(way)
    for name in list(model.layers[0].torch_params):
        model.layers[0].torch_params[name] = torch.nn.Parameter(model.layers[0].torch_params[name] + CHANGE)
    return model


def has_a_buffer(way):
    import torch

    model = trained(way, Headed(way))
    model.register_buffer("codebook", torch.full((3,), CHANGE))
    return model


# -- JAX ------------------------------------------------------------------------------------------------------


def assigns_what_a_loop_returned(way):
    model = net(way)
    optimizer = keras.optimizers.SGD(name=way)
    optimizer.build(model.trainable_variables)
    state = [variable.value for variable in model.trainable_variables]
    state, _ = optimizer.stateless_apply([v.value for v in optimizer.variables], state, state)
    for variable, value in zip(model.trainable_variables, state):
        variable.assign(value + CHANGE)
    return model, optimizer


# -- what changes nothing of a model --------------------------------------------------------------------------


def same_evaluation(way):
    model = trained(way)
    model.evaluate(X * CHANGE, Y, verbose=0)
    model.predict(X * CHANGE, verbose=0)
    return model


def same_metric(way):
    metric = keras.metrics.Mean(name=way)
    metric.update_state([CHANGE])
    return metric


def same_generator(way):
    generator = keras.random.SeedGenerator(int(CHANGE))
    keras.random.normal((2,), seed=generator)
    return generator, L.RandomFlip(seed=int(CHANGE), name=way)


kept = {way: globals()[way](way) for way in sys.argv[2:]}
