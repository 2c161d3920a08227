"""Whether giving gradients out of a compiled step changes its bits: XLA fuses what is not given out.

Each compiled step is run once beside the same step without our outputs, on the same values, and the two are compared
bit for bit. Where they differ, the step without our outputs is the one that trains, and the gradients stay unseen.
"""

import importlib

from ..jax.programs import calls_back

SAID = "Keras on JAX: given out of the compiled step, it would change the step's bits"


class CheckedStep:
    """A compiled step function, (state, data) to (logs, state), with the check before its first use for each shape.

    `look`: what runs it in the step that is looked into (`jax_inspection`), or None.
    """

    def __init__(self, watch, function, split, look):
        self._watch, self._jax = watch, watch.backend.jax
        self._function, self._split, self._look = function, split, look
        self._chosen = {}  # shapes -> the function to call

    def __call__(self, state, data):
        if self._look is not None and self._look.is_on():
            found = self._look.step(self._function, state, data)
            if found is not None:
                return found
        return self._checked(state, data)

    def _checked(self, state, data):
        key = self._watch.probe.guard("shapes of a step", self._shapes, state, data)
        chosen = self._chosen.get(key)
        if chosen is None:
            trace = getattr(self._function, "trace", None)
            traced = trace(state, data) if trace is not None else None  # an error in it is the program's own
            plain = self._watch.probe.guard("step without outputs", self._plain, traced)
            chosen = self._chosen[key] = self._function
            if plain is not None:
                return self._compare(key, plain, state, data)
        return chosen(state, data)

    def _shapes(self, state, data):
        leaves, structure = self._jax.tree_util.tree_flatten((state, data))
        return structure, tuple(
            (getattr(leaf, "shape", ()), str(getattr(leaf, "dtype", type(leaf)))) for leaf in leaves
        )

    def _plain(self, traced):
        """The step without our outputs, from the same trace: the program's code is not run again. None: none is made.

        A step that prints or calls back is not run twice.
        """
        if traced is None:
            return None
        logs, _, extras = self._split(traced.out_info[0])
        if not extras or traced.jaxpr.effects or calls_back(traced.jaxpr.jaxpr):
            return None
        tree = self._jax.tree_util
        structure = tree.tree_structure((logs, traced.out_info[1]))
        first = len(tree.tree_leaves(logs))
        program = importlib.import_module("jax.extend.core").jaxpr_as_fun(traced.jaxpr)
        count = len(tree.tree_leaves(extras))

        def step(state, data):
            outputs = program(*tree.tree_leaves((state, data)))
            return tree.tree_unflatten(structure, outputs[:first] + outputs[first + count :])

        return step

    def _compare(self, key, plain, state, data):
        """The step's result, from whichever function is to be used from now on."""
        jit = self._jax.jit
        expected = self._watch.probe.guard("step without outputs", jit(plain), state, data)
        result = self._function(state, data)
        if expected is None or self._are_equal(expected[1], result[1]):
            return result
        for point in ("loss", "gradient"):
            self._watch.not_observed(point, SAID)
        self._chosen[key] = jit(plain, donate_argnums=0)
        return expected

    def _are_equal(self, one, other):
        leaves = zip(self._jax.tree_util.tree_leaves(one), self._jax.tree_util.tree_leaves(other))
        array = self._watch.backend.array
        return all(array(a).tobytes() == array(b).tobytes() for a, b in leaves)
