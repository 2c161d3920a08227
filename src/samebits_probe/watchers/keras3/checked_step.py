"""Checks whether returning gradients from a compiled step of Keras on JAX changes its bits.

XLA fuses what is not returned. So each compiled step runs once beside the same step without our outputs, on the same
values, and the results are compared bit for bit. If they differ, the step without our outputs trains, and the gradients
stay unseen.
"""

import importlib
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence, Tuple

from ..jax.calls import equations
from ..objects import Function, JaxProgram, Pytree

if TYPE_CHECKING:
    from .functions import Keras3Watch

Split = Callable[[Pytree], Tuple[Pytree, Sequence[Tuple[str, str]], Sequence[Any]]]  # see `JaxFunction`
Stage = Any  # what `trace` of a compiled function returns

SAID = "Keras on JAX: returning it from the compiled step would change the step's bits"


class CheckedStep:
    """A compiled step function, (state, data) to (logs, state). It is checked before its first use for each shape."""

    def __init__(self, watch: "Keras3Watch", function: Function, split: Split) -> None:
        self._watch, self._jax = watch, watch.backend.jax
        self._function, self._split = function, split
        self._chosen: Dict[Any, Function] = {}  # shapes -> the function to call

    def __call__(self, state: Pytree, data: Pytree) -> Any:
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

    def _shapes(self, state: Pytree, data: Pytree) -> Tuple[Any, ...]:
        leaves, structure = self._jax.tree_util.tree_flatten((state, data))
        return structure, tuple(
            (getattr(leaf, "shape", ()), str(getattr(leaf, "dtype", type(leaf)))) for leaf in leaves
        )

    def _plain(self, traced: Optional[Stage]) -> Optional[Function]:
        """Return the step without our outputs, made from the same trace, so that the program's code does not run again.

        None if it is not made: a step that prints or calls back must not run twice.
        """
        if traced is None:
            return None
        logs, _, extras = self._split(traced.out_info[0])
        if not extras or traced.jaxpr.effects or _calls_back(traced.jaxpr.jaxpr):
            return None
        tree = self._jax.tree_util
        structure = tree.tree_structure((logs, traced.out_info[1]))
        first = len(tree.tree_leaves(logs))
        program = importlib.import_module("jax.extend.core").jaxpr_as_fun(traced.jaxpr)
        count = len(tree.tree_leaves(extras))

        def step(state: Pytree, data: Pytree) -> Any:
            outputs = program(*tree.tree_leaves((state, data)))
            return tree.tree_unflatten(structure, outputs[:first] + outputs[first + count :])

        return step

    def _compare(self, key: Any, plain: Function, state: Pytree, data: Pytree) -> Any:
        """Return the step's result. It also chooses the function to use from now on."""
        jit = self._jax.jit
        expected = self._watch.probe.guard("step without outputs", jit(plain), state, data)
        result = self._function(state, data)
        if expected is None or self._are_equal(expected[1], result[1]):
            return result
        for point in ("loss", "gradient"):
            self._watch.probe.not_observed(point, SAID)
        self._chosen[key] = jit(plain, donate_argnums=0)
        return expected

    def _are_equal(self, one: Pytree, other: Pytree) -> bool:
        leaves = zip(self._jax.tree_util.tree_leaves(one), self._jax.tree_util.tree_leaves(other))
        array = self._watch.backend.array
        return all(array(a).tobytes() == array(b).tobytes() for a, b in leaves)


def _calls_back(jaxpr: JaxProgram) -> bool:
    """Return whether a function of JAX calls Python functions while it runs, also within a loop or condition."""
    return any("callback" in equation.primitive.name for equation in equations(jaxpr))
