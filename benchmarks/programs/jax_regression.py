"""JAX with optax: a jitted update of a small network; numpy orders the rows."""

import sys

import jax
import numpy
import optax
from jax import numpy as jnp

if "--no-seed" not in sys.argv:
    numpy.random.seed(1)
rows = numpy.random.rand(512, 8).astype("float32")
targets = rows.sum(1, keepdims=True) ** 2
first, second = jax.random.split(jax.random.key(0))
weights = {"in": jax.random.normal(first, (8, 32)) * 0.3, "out": jax.random.normal(second, (32, 1)) * 0.3}
optimizer = optax.adam(1e-2)


def loss_of(weights, x, y):
    return jnp.mean((jnp.tanh(x @ weights["in"]) @ weights["out"] - y) ** 2)


@jax.jit
def update(weights, state, x, y):
    loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
    changes, state = optimizer.update(gradients, state)
    return optax.apply_updates(weights, changes), state, loss


state = optimizer.init(weights)
for _ in range(100):
    chosen = numpy.random.permutation(512)[:64]
    weights, state, loss = update(weights, state, rows[chosen], targets[chosen])
print(f"loss {float(loss):.5f}")
