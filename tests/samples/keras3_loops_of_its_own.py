"""Trains a small Keras model in a loop of its own on torch or JAX, in the way that the argument names."""

import hashlib
import sys

import keras
import numpy as np

L = keras.layers


def applied(model, loss_of, batches):
    """torch: the gradients of a backward, applied by an optimizer of Keras."""
    import torch

    optimizer = keras.optimizers.Adam()
    for x, y in batches:
        model.zero_grad()
        loss_of(torch.tensor(y), model(torch.tensor(x), training=True)).backward()
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in model.trainable_weights], model.trainable_weights)
    return model.get_weights()


def stepped_by_torch(model, loss_of, batches):
    """torch: a Keras model as a module of torch, stepped by an optimizer of torch."""
    import torch

    optimizer = torch.optim.Adam(model.parameters())
    for x, y in batches:
        optimizer.zero_grad()
        loss_of(torch.tensor(y), model(torch.tensor(x), training=True)).backward()
        optimizer.step()
    return model.get_weights()


def stateless_compiled(model, loss_of, batches):
    """JAX: state is passed through a compiled step."""
    import jax

    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)

    def loss(trainable, others, x, y):
        prediction, others = model.stateless_call(trainable, others, x, training=True)
        return loss_of(y, prediction), others

    @jax.jit
    def step(trainable, others, state, x, y):
        (_, others), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, others, x, y)
        trainable, state = optimizer.stateless_apply(state, gradients, trainable)
        return trainable, others, state

    owned = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    state = [[variable.value for variable in variables] for variables in owned]
    for x, y in batches:
        state = step(*state, x, y)
    return [value for values in state for value in values]


def main(way):
    keras.utils.set_random_seed(2019)
    x = np.random.rand(48, 8, 8, 1).astype("float32")
    y = np.random.randint(0, 3, 48)
    layers = [L.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.Flatten()]
    model = keras.Sequential(layers + [L.Dropout(0.3), L.Dense(3)])
    batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 48, 16)]
    values = globals()[way](model, keras.losses.SparseCategoricalCrossentropy(from_logits=True), batches)
    print(hashlib.md5(b"".join(np.asarray(value).tobytes() for value in values)).hexdigest())


main(sys.argv[1])
