"""JAX: the steps of compiled functions, and what a program observes of itself, also inside `jax.jit`."""

import functools
import sys

from ... import imports
from . import arrays, calls
from . import steps as jax_steps

SAID = (
    "a program in plain JAX is seen through samebits_probe.observe(name, value, step=...): for example "
    'samebits_probe.observe("weights", params, step=i) after each step'
)
BESIDE = (
    "JAX: compiled functions of the program were called, and no call was seen to train. If one trains, name its "
    'values: samebits_probe.observe("weights", params)'
)
_HIDDEN = "this version of JAX has none of the places where calls of compiled functions are seen: "
SEEN = [
    ("any, outside of jit", "samebits_probe.observe(name, value, step=...)", "", ""),
    ("any, inside jit, grad, scan", "observe, through jax.debug.callback", "vmap: once for each example", ""),
    (
        "step",
        "a call of a compiled function (jit, nnx.jit, eqx.filter_jit, pmap, compiled ahead of time) that receives what "
        "it returned before; outside of such a function optax.apply_updates and eqx.apply_updates",
        "steps by hand outside of compiled functions; jax.disable_jit",
        SAID,
    ),
    (
        "start, update, end",
        "arguments that come back: weights by their names, the optimizer's state by its type, the rest as `state`",
        "",
        "",
    ),
    ("batch", "arguments that do not come back", "donated arguments that do not come back", "batch: is donated"),
    (
        "loss, gradient",
        "results that do not go in again: numbers (loss), trees with the structure of the weights",
        "",
        "",
    ),
    ("many steps in one call (scan)", "the call is one step", "the steps within it", "each call counts as one step"),
    ("evaluation", "not recorded: results of a function that no step receives", "", ""),
]

_REFERENCES = ("Ref", "ArrayRef", "MutableArray")  # as JAX has called it: https://docs.jax.dev/en/latest/jax.ref.html


class TracedObserve:
    """Takes over from `observe` where a value is traced: its bits come with a callback when they are computed."""

    def __init__(self, probe):
        self._probe = probe
        self._arrays = arrays.Arrays()
        self._is_deferring = False

    def convert(self, value):
        """(dtype, shape, bytes) of an array of JAX, random keys included."""
        if not isinstance(value, self._arrays.jax.Array) or self._arrays.is_tracer(value):
            return None
        array = self._arrays.array(value)
        return array.dtype.name, array.shape, array.tobytes()

    def read(self, value):
        """What the program's globals hold: ((dtype, shape, fingerprint), facts) of an array, None for anything else.

        Of a `jax.Ref`, which is changed in place, and of a variable of nnx it is what they hold now.
        """
        kind, facts = type(value), {}
        if kind.__name__ in _REFERENCES and kind.__module__.startswith("jax."):
            value = getattr(getattr(value, "_refs", value), "_buf", None)
        elif kind.__module__.startswith("flax.nnx") and hasattr(kind, "_raw_value"):
            value = kind._raw_value.__get__(value)
            facts = {"model": True} if any(base.__name__ == "Param" for base in type.mro(kind)) else {}
        if type(value).__name__ != "ArrayImpl" or value.is_deleted():
            return None
        dtype, shape, data = self.convert(value)
        header = self._probe.hasher.header(dtype, shape)
        return (dtype, shape, self._probe.hasher.data(data, header)), facts

    def defer(self, name, value, step, kind):
        """True where the value, or its step, is known only when the traced function runs."""
        leaves = self._arrays.jax.tree_util.tree_leaves((value, step))
        if not any(self._arrays.is_tracer(leaf) for leaf in leaves):
            if self._is_deferring:  # what the functions called so far have observed comes first
                self._arrays.jax.effects_barrier()
            return False
        try:
            self._call_back(name, value, step, kind)
        except Exception as error:  # a transformation that knows no callbacks: the program goes on without
            self._probe.not_observed(name, "JAX cannot call back from here: %s" % error)
        return True

    def _call_back(self, name, value, step, kind):
        tree = self._arrays.jax.tree_util
        leaves, structure = tree.tree_flatten((value, step))
        places = [place for place, leaf in enumerate(leaves) if self._arrays.is_tracer(leaf)]

        def record(*traced):
            full = [None if place in places else leaf for place, leaf in enumerate(leaves)]
            for place, leaf in zip(places, traced):
                full[place] = leaf
            known, at = tree.tree_unflatten(structure, full)
            self._probe.own.observe(name, known, None if at is None else int(at), kind)

        def guarded(*traced):
            self._probe.guard("observe inside a traced function", record, *traced)

        self._arrays.jax.debug.callback(guarded, *(leaves[place] for place in places))
        if not self._is_deferring:
            self._is_deferring = True
            self._probe.at_end(self._arrays.jax.effects_barrier)

    def say_hidden(self):
        """At the end: a program of JAX alone in which no step was seen is told how to name them."""
        is_alone = not any(library in sys.modules for library in ("torch", "tensorflow", "keras"))
        if is_alone and not self._probe.step:
            self._probe.not_observed("steps", SAID)


def install(module, probe):
    """Let `observe` take arrays and traced values of JAX, and watch calls of compiled functions."""
    observed = TracedObserve(probe)
    probe.converters.append(observed.convert)
    probe.deferrals.append(observed.defer)
    probe.readers.append(observed.read)
    steps = jax_steps.CallSteps(probe, module)
    if calls.Hooks(probe, steps).install():
        for library in ("optax", "equinox"):
            imports.after(library, functools.partial(_watch_updates, probe, module, steps))
        probe.at_end(steps.end)
    else:
        probe.not_observed("steps", _HIDDEN + SAID)
    probe.at_end(observed.say_hidden)
    probe.at_end(functools.partial(_say_beside, probe, steps))


def _say_beside(probe, steps):
    """What JAX computes beside the training of another library is not passed over in silence."""
    if probe.step and not probe.own.names_steps and not probe.optimizer_seen and steps.saw_no_step():
        probe.not_observed("steps of JAX", BESIDE)
        probe.event("warning", text=BESIDE)


def _watch_updates(probe, jax, steps, module):
    """Wrap the function that adds updates to parameters. In a trace it does what it did."""
    original = module.apply_updates

    @functools.wraps(original)
    def apply_updates(*args, **kwargs):
        result = original(*args, **kwargs)
        probe.guard("apply_updates", _applied, probe, jax, steps, (args, kwargs, result))
        return result

    for owner in (module, sys.modules.get(original.__module__)):
        if getattr(owner, "apply_updates", None) is original:
            owner.apply_updates = apply_updates


def _applied(probe, jax, steps, call):
    args, kwargs, result = call
    given = args + tuple(kwargs.values())
    if probe.stepping is None and len(given) == 2 and not _is_traced(jax, result):
        steps.applied(given[0], given[1], result)


def _is_traced(jax, value):
    leaves = jax.tree_util.tree_leaves(value)
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
