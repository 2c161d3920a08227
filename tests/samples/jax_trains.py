"""Trains a small model in plain JAX, in the way that its argument names. Nothing here knows of samebits."""

import functools
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax
import jax.numpy as jnp
import numpy as np

WAY, STEPS = sys.argv[1], 4
DATA = np.random.default_rng(None if "unseeded" in sys.argv else 0).normal(size=(STEPS, 8, 4)).astype("float32")
BATCHES = [(x, x.sum(1, keepdims=True)) for x in DATA]
START = {"layer": {"w": jnp.full((4, 1), 0.5), "b": jnp.zeros(1)}}


def loss_of(params, x, y):
    return ((x @ params["layer"]["w"] + params["layer"]["b"] - y) ** 2).mean()


def descend(params, gradients):
    return jax.tree.map(lambda weight, gradient: weight - 0.1 * gradient, params, gradients)


def update(params, x, y):
    loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
    return descend(params, gradients), loss


def follow(step, params=START):
    for x, y in BATCHES:
        params, _ = step(params, x, y)
    return params


def by_hand():
    return follow(jax.jit(update))


def donated():
    return follow(functools.partial(jax.jit, donate_argnums=0)(update), jax.tree.map(jnp.copy, START))


def compiled_ahead():
    return follow(jax.jit(update).lower(START, *BATCHES[0]).compile())


def compiled_anew():
    params = START
    for x, y in BATCHES:
        params, _ = jax.jit(lambda params, x, y: update(params, x, y))(params, x, y)
    return params


def with_callbacks():
    def noisy(params, x, y):
        jax.debug.callback(lambda: None)
        return update(params, x, y)

    return follow(jax.jit(noisy))


def two_functions():
    gradient, apply = jax.jit(jax.value_and_grad(loss_of)), jax.jit(descend)
    params = START
    for x, y in BATCHES:
        _, gradients = gradient(params, x, y)
        params = apply(params, gradients)
    return params


def as_tuples():
    """A layer is (w, b), a batch is (x, y), and gradients are (dw, db): one structure, but not the same shapes."""

    def gradients_of(params, batch):
        return jax.value_and_grad(lambda layer: loss_of({"layer": dict(zip("wb", layer))}, *batch))(params)

    def step(params, batch):
        loss, changes = gradients_of(params, batch)
        return descend(params, changes), loss

    params = START["layer"]["w"], START["layer"]["b"]
    whole, first, second = jax.jit(step), jax.jit(gradients_of), jax.jit(lambda params, change: descend(params, change))
    for batch in BATCHES:
        if "apart" not in sys.argv:
            params, _ = whole(params, batch)
        else:
            params = second(params, first(params, batch)[1])
    return params


def two_models():
    def made(sign):
        @jax.jit
        def step(params, other, x):
            gradients = jax.grad(lambda one: (sign * (x @ one["w"]) * (x @ other["w"])).mean() + (one["w"] ** 2).sum())(
                params
            )
            return descend(params, gradients)

        return step

    one, other = {"w": jnp.ones((4, 1))}, {"w": jnp.full((4, 1), 2.0)}
    for step in [(made(1), made(-1))]:
        for x, _ in BATCHES:
            one = step[0](one, other, x)
            other = step[1](other, one, x)
    return one


def epochs():
    @jax.jit
    def epoch(params, batches):
        return jax.lax.scan(lambda params, batch: update(params, *batch), params, batches)

    params, losses = epoch(START, (DATA, DATA.sum(2, keepdims=True)))
    return params


def sharded():
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
    over = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    step = jax.jit(update)
    return follow(lambda params, x, y: step(params, *jax.device_put((x, y), over)))


def parallel():
    def one_device(params, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        return descend(params, jax.lax.pmean(gradients, "batch")), loss

    step = jax.pmap(one_device, axis_name="batch")
    params = jax.tree.map(lambda weight: jnp.stack([weight, weight]), START)
    return follow(lambda params, x, y: step(params, x.reshape(2, 4, 4), y.reshape(2, 4, 1)), params)


def evaluates_noise():
    step, evaluate, params = jax.jit(update), jax.jit(loss_of), START
    for x, y in BATCHES:
        params, _ = step(params, x, y)
        evaluate(params, np.random.default_rng().normal(size=(8, 4)).astype("float32"), y)
    return params


def optax_in_jit():
    import optax

    rule = optax.adam(0.1)

    @jax.jit
    def step(state, batch):
        params, opt_state = state
        gradients = jax.grad(loss_of)(params, *batch)
        updates, opt_state = rule.update(gradients, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    state = START, rule.init(START)
    for batch in BATCHES:
        state = step(state, batch)
    return state[0]


def optax_outside():
    import optax

    rule, params = optax.adam(0.1), START
    value_and_grad = jax.jit(jax.value_and_grad(loss_of)) if "jit" in sys.argv else jax.value_and_grad(loss_of)
    state = rule.init(params)
    for x, y in BATCHES:
        _, gradients = value_and_grad(params, x, y)
        updates, state = rule.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return params


def optax_outside_of_new_functions():
    import optax

    rule, params = optax.sgd(0.1), START
    state = rule.init(params)
    for x, y in BATCHES:
        gradients = jax.jit(lambda params, x, y: jax.grad(loss_of)(params, x, y))(params, x, y)
        updates, state = rule.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return params


class Incomparable:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        if not isinstance(other, Incomparable):
            raise RuntimeError("this cannot be compared")
        return True

    def __getattr__(self, name):
        raise RuntimeError("this has no attributes")

    __repr__ = __str__ = __getattr__


@jax.tree_util.register_pytree_node_class
class Odd:
    """A part of a pytree beside objects that cannot be compared."""

    def __init__(self, weight, beside):
        self.weight, self.beside = weight, beside

    def tree_flatten(self):
        return (self.weight,), self.beside

    @classmethod
    def tree_unflatten(cls, beside, children):
        return cls(children[0], beside)


def odd_trees():
    @functools.partial(jax.jit, static_argnums=(1, 2, 3))
    def step(params, large, incomparable, function):
        return jax.tree.map(lambda weight: weight * 0.9, params)

    odd = {"a": Odd(jnp.ones(3), Incomparable()), "b": Odd(jnp.ones(2), (Incomparable(), len)), "none": None}
    for _ in range(STEPS):
        odd = step(odd, 2**200, Incomparable(), len)
    params = [jnp.ones(1)]
    for _ in range(STEPS):  # a state that has a leaf more in each step
        params = [*jax.jit(lambda params: [weight * 0.9 for weight in params])(params), jnp.ones(1)]
    grows, params = jax.jit(lambda params: [weight * 0.9 for weight in params]), [jnp.ones(1)]
    for _ in range(STEPS):
        params = [*grows(params), jnp.ones(len(params))]
    return odd


def train_state():
    import flax.linen as nn
    import optax
    from flax.training.train_state import TrainState

    model = nn.Dense(1)
    params = model.init(jax.random.key(0), BATCHES[0][0])["params"]
    state = TrainState.create(apply_fn=model.apply, params=params, tx=optax.adam(0.1))

    @jax.jit
    def train_step(state, batch):
        def loss_of(params):
            return ((state.apply_fn({"params": params}, batch["image"]) - batch["label"]) ** 2).mean()

        loss, gradients = jax.value_and_grad(loss_of)(state.params)
        return state.apply_gradients(grads=gradients), {"loss": loss}

    for x, y in BATCHES:
        state, _ = train_step(state, {"image": x, "label": y})
    return state.params


def flax_nnx():
    import optax
    from flax import nnx

    model = nnx.Linear(4, 1, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(0.1), wrt=nnx.Param)

    @nnx.jit
    def train_step(model, optimizer, x, y):
        loss, gradients = nnx.value_and_grad(lambda model: ((model(x) - y) ** 2).mean())(model)
        optimizer.update(model, gradients)
        return loss

    for x, y in BATCHES:
        train_step(model, optimizer, x, y)
    return model.kernel


def equinox():
    import equinox as eqx
    import optax

    model, rule = eqx.nn.Linear(4, 1, key=jax.random.key(0)), optax.adam(0.1)
    state = rule.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def make_step(model, state, x, y):
        loss, gradients = eqx.filter_value_and_grad(lambda model: ((jax.vmap(model)(x) - y) ** 2).mean())(model)
        updates, state = rule.update(gradients, state, model)
        return loss, eqx.apply_updates(model, updates), state

    for x, y in BATCHES:
        _, model, state = make_step(model, state, x, y)
    return model.weight


def compiled_gradients():
    params, gradients_of = START, jax.jit(jax.value_and_grad(loss_of))
    for x, y in BATCHES:
        _, gradients = gradients_of(params, x, y)
        params = descend(params, gradients)
    return params


def compiled_gradients_of_variables():
    global params
    params, gradients_of = START, jax.jit(jax.value_and_grad(loss_of))
    for x, y in BATCHES:
        params = descend(params, gradients_of(params, x, y)[1])
    return params


def gradients_of_one_model():
    gradients_of = jax.jit(jax.grad(loss_of))
    return [gradients_of(START, x, y) for x, y in BATCHES * 3]


def no_step():
    return jax.jit(lambda params, x: x @ params["layer"]["w"])(START, BATCHES[0][0])


for leaf in jax.tree.leaves(globals()[WAY]()):
    print(np.asarray(leaf).tobytes().hex())
