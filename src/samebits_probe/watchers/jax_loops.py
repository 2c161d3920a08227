"""JAX: what a program observes of itself, also inside `jax.jit`. Nothing is hooked in JAX itself."""

import sys

from . import jax_arrays

SEEN = [
    ("any, outside of jit", "samebits_probe.observe(name, value, step=...)", "", ""),
    ("any, inside jit, grad, scan", "observe, through jax.debug.callback", "vmap: once for each example", ""),
    (
        "batch, loss, gradient, update of plain JAX",
        "",
        "no function of JAX is a training step",
        "a program in plain JAX is seen through samebits_probe.observe(name, value, step=...)",
    ),
]


class Observed:
    """Takes over from `observe` where a value is traced: its bits come with a callback when they are computed."""

    def __init__(self, probe):
        self._probe = probe
        self._arrays = jax_arrays.Arrays()
        self._is_deferring = False

    def convert(self, value):
        """(dtype, shape, bytes) of an array of JAX, random keys included."""
        if not isinstance(value, self._arrays.jax.Array) or self._arrays.is_tracer(value):
            return None
        array = self._arrays.array(value)
        return array.dtype.name, array.shape, array.tobytes()

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
        """At the end: a program of JAX alone that showed nothing is told how to."""
        is_alone = not any(library in sys.modules for library in ("torch", "tensorflow", "keras"))
        if is_alone and not self._probe.has_observed():
            self._probe.not_observed("steps", SEEN[-1][-1])


def install(module, probe):
    """Let `observe` take arrays and traced values of JAX."""
    observed = Observed(probe)
    probe.converters.append(observed.convert)
    probe.deferrals.append(observed.defer)
    probe.at_end(observed.say_hidden)
