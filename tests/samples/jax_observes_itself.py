"""Trains in plain JAX and names its own points, inside and outside of functions that JAX transforms."""

import jax
import jax.numpy as jnp
import numpy as np

import samebits_probe


def loss_of(weights, x):
    loss = ((x @ weights) ** 2).mean()
    samebits_probe.observe("loss", loss)
    return loss


@jax.jit
def train(weights, x, step):
    gradient = jax.grad(loss_of)(weights, x)
    samebits_probe.observe("gradient", {"weights": gradient}, step=step)
    return weights - 0.1 * gradient


def doubled(row):
    samebits_probe.observe("forward row", row, kind="forward")
    return row * 2


x = jax.random.normal(jax.random.key(0), (8, 4))
weights = jnp.ones((4, 3))
for step in range(4):
    samebits_probe.observe("batch", x + step, step=step)
    weights = train(weights, x + step, step)
    samebits_probe.observe("weights", weights, step=step)
print(np.asarray(weights).tobytes().hex())
print(jax.vmap(doubled)(x).sum(), jax.jit(jax.vmap(doubled))(x).sum())
print(jax.grad(lambda row: jax.checkpoint(doubled)(row).sum())(x).sum())
print(jax.lax.scan(lambda total, row: (total + doubled(row).sum(), row), 0.0, x)[0])
print(jax.lax.cond(weights.sum() > 0, doubled, lambda row: row, x).sum())
