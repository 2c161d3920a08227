"""A loop in plain JAX, on data that is drawn without a seed."""

import jax
import jax.numpy as jnp
import numpy as np

from samebits_probe import observe

draws = np.random.default_rng()
weights = {"w": jnp.full((4, 1), 0.5), "b": jnp.zeros(1)}


@jax.jit
def update(weights, x):
    def loss_of(weights):
        return ((x @ weights["w"] + weights["b"] - x.sum(1, keepdims=True)) ** 2).mean()

    loss, gradients = jax.value_and_grad(loss_of)(weights)
    return jax.tree.map(lambda weight, gradient: weight - 0.1 * gradient, weights, gradients), loss


for step in range(6):
    batch = draws.normal(size=(8, 4)).astype("float32")
    weights, loss = update(weights, batch)
    observe("batch", batch, kind="batch", step=step)
    observe("loss", loss, kind="forward", step=step)
    observe("weights", weights, kind="update", step=step)
