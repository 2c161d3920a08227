"""Keras 3 on TensorFlow, torch and JAX: `fit`, `train_on_batch`, generators and custom train steps.

The train function that a model makes is wrapped, so that each of these is seen, including what happens inside one call.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any, Callable, List, Optional

from ... import saved_files
from ..data_passes import watch_epochs
from ..objects import Array, Backend, Layer, Library, NamedValue, Variable
from ..plain_attributes import PlainAttributes
from ..points import Points
from ..remains import Remains, leave_out, remains_of, tell_after, tell_death, tell_new
from . import collection, functions, models
from .models import is_seed

if TYPE_CHECKING:
    from ...probe import Probe

# what counts as seen: (point, hook, hidden by, what the report says)
SEEN = [
    ("rng", "python, numpy, TensorFlow's or torch's seed state; states of seed generators in the model"),
    (
        "batch: inputs, labels, sample weights",
        "what the train step is given: further outputs (TensorFlow), arguments (torch, JAX)",
        "TensorFlow: several replicas; XLA with steps_per_execution above 1",
        "batch: inside one call",
    ),
    (
        "loss",
        "result of the trainer's compute_loss in a train step; else the mean that the step returns",
        "a loss computed without compute_loss, torch.compile: the mean since the epoch began replaces it",
    ),
    ("metrics", "what the train step returns"),
    (
        "gradient",
        "arguments of Optimizer.apply or stateless_apply: further outputs (TensorFlow, JAX), at once (torch); "
        "under torch.compile the parameters' own after the call",
        "TensorFlow: XLA, several replicas; JAX: a step whose bits it would change (each is checked)",
        "gradient: returning it would change the step's bits",
    ),
    (
        "update",
        "weights, buffers and optimizer variables read after the call; with several steps in a call, after each",
        "XLA with steps_per_execution above 1: after the last step of a call; its steps are counted by iterations",
        "as for batch and gradient",
    ),
    ("start", "weights and buffers before the first step, in the trace for a model built by its first call"),
    (
        "end: weights, buffers, optimizer variables",
        "every keras.Variable, read at the exit, or when it dies; also in models that were never compiled, fitted or "
        "called, in copies, in new models from the layers of a trained one, and in models of a function that returned",
        "arrays of JAX that the program has given away (donated)",
    ),
    (
        "end: attributes",
        "numbers, arrays and tensors in plain attributes of layers and models, also in lists and dicts, named "
        "model.temperature; the words of lookup layers",
        "attributes of other objects; text; private names and numbers that the library's own code uses; seeds",
    ),
    (
        "end: state of torch that Keras does not know",
        "buffers, and parameters of torch that replace those of Keras, of each layer on torch",
    ),
    (
        "end: state of metrics, states of seed generators",
        "",
        "they are left out, because an evaluation changes them; what is printed or saved of them is compared",
    ),
    ("evaluation, prediction", "what the test and predict functions return: forward points of their own"),
    (
        "loops of the program's own",
        "TensorFlow: Layer.__call__, GradientTape.gradient, Optimizer.apply; in tf.function a callback at a step's end",
        "XLA (jit_compile=True): batch, loss and gradient",
        "inside a function compiled by XLA",
    ),
    ("loops of the program's own on torch", "Optimizer.apply, with the PyTorch watcher's batch and loss"),
    (
        "loops of the program's own on JAX",
        "calls of compiled functions, as the watcher of JAX sees them; Optimizer.apply outside of such functions",
        "stateless_apply outside of compiled functions",
        "no step: inconclusive",
    ),
]
_BACKENDS = {"tensorflow": "TensorFlow", "torch": "Torch", "jax": "Jax"}


def install(module: Library, probe: "Probe") -> None:
    """Wrap the trainer, the optimizers and the loss of the Keras that has been imported."""
    name = module.backend.backend()
    if name not in _BACKENDS:
        for point in ("batch", "loss", "gradient", "update", "end"):
            probe.not_observed(point, "the %s backend of Keras is not watched" % name)
        return
    backend_module = importlib.import_module("samebits_probe.watchers.keras3." + name)
    backend = getattr(backend_module, _BACKENDS[name])()
    remains = watch_ends(module, probe, backend)
    watch = functions.Keras3Watch(probe, Points(probe), backend, remains)
    hooks = collection.CollectionHooks(probe, lambda variables: [one for one, _ in models.named(variables)])
    _wrap_optimizers(module, hooks)
    trainer = _owner(module.Model, "make_train_function")  # a class of the backend
    _wrap_loss(trainer, hooks)
    hooks.outside = backend_module.loops(module, watch).apply
    backend_module.install(trainer, watch, hooks)
    models.watch_layers(module.layers.Layer, probe, hooks, backend.is_leaf)
    watch_epochs(probe, module.callbacks.CallbackList)
    saved_files.watch_functions(probe, ("save", "save_weights"), module.Model)


def _wrap_optimizers(module: Library, hooks: collection.CollectionHooks) -> None:
    base = _owner(module.optimizers.Optimizer, "apply")
    for owner in (base, module.optimizers.LossScaleOptimizer):
        if "apply" in owner.__dict__:
            collection.wrap_apply(owner, hooks)
        if "stateless_apply" in owner.__dict__:
            collection.wrap_stateless_apply(owner, hooks)


def _wrap_loss(trainer: Any, hooks: collection.CollectionHooks) -> None:
    if "_update_metrics_variables" in trainer.__dict__:
        collection.wrap_loss_tracker(trainer, "_update_metrics_variables", hooks)
        return
    name = "_compute_loss" if any("_compute_loss" in one.__dict__ for one in trainer.__mro__) else "compute_loss"
    collection.wrap_loss(_owner(trainer, name), name, hooks)


def _owner(owner: Any, name: str) -> Any:
    """Return the first class in the order of inheritance that defines a method."""
    return next(one for one in owner.__mro__ if name in one.__dict__)


# The end of Keras 3: every variable, whoever made it, and what layers hold in plain attributes.
#
# The variables of metrics are left out: an evaluation changes them, and their results are printed or saved. The states
# of seed generators are left out, too: these random states are recorded where they are used.


def watch_ends(module: Library, probe: "Probe", backend: Backend) -> Remains:
    """Follow the variables and layers of the Keras that has been imported. Returns the `Remains`."""
    remains = remains_of(probe)
    layers = LayerAttributes(probe, module.layers.Layer, backend)
    variable = _first_owner(module.Variable, "_deferred_initialize")

    def made(one: Variable) -> None:
        remains.add(one, lambda owner: _variable(owner, backend.read))
        remains.exits_first()

    tell_new(variable, made)
    for owner, method in ((variable, "__init__"), (module.Variable, "_deferred_initialize")):
        tell_after(owner, method, lambda one: remains.drop(getattr(one, "_value", None)))
    tell_death(variable, remains.died)
    tell_new(module.layers.Layer, lambda layer: remains.add(layer, layers.of))
    tell_death(module.layers.Layer, remains.died)
    leave_out(module.metrics.Metric, "add_variable", remains.drop)
    return remains


def _first_owner(kind: Any, name: str) -> Any:
    """Return the class furthest from `kind` that defines a method."""
    return next(one for one in reversed(kind.__mro__) if name in one.__dict__)


def _variable(variable: Variable, read: Callable[[Variable], Optional[Array]]) -> List[NamedValue]:
    """Return [(path, array)] of a variable that has a value."""
    if is_seed(variable) or getattr(variable, "_value", None) is None:
        return []
    array = read(variable)
    return [(str(variable.path), array)] if array is not None else []


class LayerAttributes:
    """Reads what layers hold beside their variables."""

    def __init__(self, probe: "Probe", layer_class: Any, backend: Backend) -> None:
        self._class, self._backend = layer_class, backend
        self._attributes = PlainAttributes(probe, backend.has_value, backend.array)

    def of(self, layer: Layer) -> List[NamedValue]:
        """Return [(name, array or ArrayPrint)] of a layer.

        These are plain attributes, the words that it looks up, and state of torch that Keras does not know.
        """
        own = vars(layer)
        name = str(own.get("_path") or own.get("name") or own.get("_name") or type(layer).__name__)
        found: List[NamedValue] = [*self._attributes.of(layer, name), *self._vocabulary(layer, name)]
        if hasattr(self._backend, "beside") and "_modules" in own and hasattr(layer, "_tracker"):
            beside = self._backend.beside(layer, lambda child: isinstance(child, self._class))
            found += [("%s.%s" % (name, key), self._backend.array(tensor)) for key, tensor in beside]
        return found

    def _vocabulary(self, layer: Layer, name: str) -> List[NamedValue]:
        if not hasattr(layer, "lookup_table") or not type(layer).__module__.startswith("keras."):
            return []
        words = layer.get_vocabulary()
        return [(name + ".vocabulary", sys.modules["numpy"].array([str(word) for word in words], dtype=object))]
