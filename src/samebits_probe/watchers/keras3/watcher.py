"""Keras 3 on TensorFlow, torch and JAX: `fit`, `train_on_batch`, generators and custom train steps.

The train function that a model makes is wrapped, so that each of these is seen, with what happens inside one call.
"""

import importlib

from . import collection, ends, functions, layers, models, points

# what counts as seen: (point, hook, hidden by, said)
SEEN = [
    ("rng", "python, numpy, TensorFlow's or torch's seed state; states of seed generators in the model", "", ""),
    (
        "batch: inputs, labels, sample weights",
        "what the train step is given: further outputs (TensorFlow), arguments (torch, JAX)",
        "TensorFlow: several replicas; XLA with steps_per_execution above 1",
        "batch: inside one call",
    ),
    (
        "loss",
        "result of the trainer's compute_loss in a train step; else the mean that the step returns",
        "a loss computed without compute_loss, torch.compile: the mean since the epoch began stands for it",
        "",
    ),
    ("metrics", "what the train step returns", "", ""),
    (
        "gradient",
        "arguments of Optimizer.apply or stateless_apply: further outputs (TensorFlow, JAX), there and then (torch); "
        "under torch.compile the parameters' own after the call",
        "TensorFlow: XLA, several replicas; JAX: a step whose bits it would change (each is checked)",
        "gradient: given out, it would change the step's bits",
    ),
    (
        "update",
        "weights, buffers and optimizer variables read after the call; with several steps in a call, after each",
        "XLA with steps_per_execution above 1: after the last step of a call; its steps are counted by iterations",
        "as for batch and gradient",
    ),
    ("start", "weights and buffers before the first step, in the trace for a model built by its first call", "", ""),
    (
        "end: weights, buffers, optimizer variables",
        "every keras.Variable, read at the exit, or when it dies; also in models that were never compiled, fitted or "
        "called, in copies, in new models from the layers of a trained one, and in models of a function that returned",
        "arrays of JAX that the program has given away (donated)",
        "",
    ),
    (
        "end: attributes",
        "numbers, arrays and tensors in plain attributes of layers and models, also in lists and dicts, named "
        "model.temperature; the library's own settings as one value; the words of lookup layers",
        "attributes of other objects; text; a private name that the library's own code uses; seeds",
        "",
    ),
    (
        "end: state of torch that Keras does not know",
        "buffers, and parameters of torch that replace those of Keras, of each layer on torch",
        "",
        "",
    ),
    (
        "end: state of metrics, states of seed generators",
        "",
        "they are left out, because an evaluation changes them; what is printed or saved of them is compared",
        "",
    ),
    ("evaluation, prediction", "what the test and predict functions return: forward points of their own", "", ""),
    (
        "loops of the program's own",
        "TensorFlow: Layer.__call__, GradientTape.gradient, Optimizer.apply; in tf.function a callback at a step's end",
        "XLA (jit_compile=True): batch, loss and gradient",
        "inside a function compiled by XLA",
    ),
    (
        "loops of the program's own on torch",
        "Optimizer.apply, with the PyTorch watcher's batch and loss",
        "",
        "",
    ),
    (
        "loops of the program's own on JAX",
        "Optimizer.apply and stateless_apply; in jit a callback with gradients and new values",
        "batch and loss inside a traced function",
        "samebits_probe.observe(name, value, step=i) names it",
    ),
]
_BACKENDS = {"tensorflow": "TensorFlow", "torch": "Torch", "jax": "Jax"}


def install(module, probe):
    """Wrap the trainer, the optimizers and the loss of the Keras that has been imported."""
    name = module.backend.backend()
    if name not in _BACKENDS:
        for point in ("batch", "loss", "gradient", "update", "end"):
            probe.not_observed(point, "the %s backend of Keras is not watched" % name)
        return
    backend_module = importlib.import_module("samebits_probe.watchers.keras3." + name)
    backend = getattr(backend_module, _BACKENDS[name])()
    remains = ends.watch_ends(module, probe, backend)
    watch = functions.Keras3Watch(probe, points.Points(probe), backend, remains)
    hooks = collection.CollectionHooks(probe, lambda variables: [one for one, _ in models.named(variables)])
    _wrap_optimizers(module, hooks)
    trainer = _trainer_of(module)
    _wrap_loss(trainer, hooks)
    hooks.outside = backend_module.loops(module, watch).apply
    if hasattr(backend_module, "stateless"):
        hooks.outside_stateless = backend_module.stateless(watch)
    backend_module.install(trainer, watch, hooks)
    layers.watch_layers(module.layers.Layer, probe, hooks, backend.is_leaf)


def _wrap_optimizers(module, hooks):
    base = _owner(module.optimizers.Optimizer, "apply")
    for owner in (base, module.optimizers.LossScaleOptimizer):
        if "apply" in owner.__dict__:
            collection.wrap_apply(owner, hooks)
        if "stateless_apply" in owner.__dict__:
            collection.wrap_stateless_apply(owner, hooks)


def _wrap_loss(trainer, hooks):
    if "_update_metrics_variables" in trainer.__dict__:
        collection.wrap_loss_tracker(trainer, "_update_metrics_variables", hooks)
        return
    name = "_compute_loss" if any("_compute_loss" in one.__dict__ for one in trainer.__mro__) else "compute_loss"
    collection.wrap_loss(_owner(trainer, name), name, hooks)


def _trainer_of(module):
    """The backend's trainer class."""
    return _owner(module.Model, "make_train_function")


def _owner(owner, name):
    """The class in the order of inheritance that defines a method."""
    return next(one for one in owner.__mro__ if name in one.__dict__)
