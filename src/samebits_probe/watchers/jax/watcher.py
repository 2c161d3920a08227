"""JAX: the steps of compiled functions, and what a program observes by itself, also inside `jax.jit`."""

import functools
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, TypeVar

from ... import hooks
from ...prints import ArrayPrint
from ...wrappers import after, guarded, wrap
from ..objects import Function, Library, Pytree
from . import arrays
from . import steps as jax_steps

if TYPE_CHECKING:
    from ...fingerprint import Tensor
    from ...probe import Probe
    from ...wire import ArrayFacts

Result = TypeVar("Result")

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
    ("any, outside of jit", "samebits_probe.observe(name, value, step=...)"),
    ("any, inside jit, grad, scan", "observe, through jax.debug.callback", "vmap: once for each example"),
    (
        "step",
        "a call of a compiled function (jit, nnx.jit, eqx.filter_jit, pmap, compiled ahead of time) that receives what "
        "it returned before, or returns gradients of weights that the program then changes by hand; outside of such a "
        "function optax.apply_updates and eqx.apply_updates",
        "gradients outside of compiled functions; jax.disable_jit; a state that comes back only in copies, or through "
        "a different compiled function",
        SAID,
    ),
    (
        "start, update, end",
        "arguments that the function also returns, by their names; what lies in a container of optax begins with "
        "`optimizer`",
    ),
    (
        "batch",
        "arguments that the function does not return",
        "such arguments, if they are donated",
        "batch: is donated",
    ),
    ("loss, gradient", "results that no later call receives: numbers (loss), trees with the structure of the weights"),
    ("many steps in one call (scan)", "the call is one step", "the steps within it", "each call counts as one step"),
    ("evaluation", "not recorded: results of a function that no step receives"),
]

# the names of this class in releases of JAX: https://docs.jax.dev/en/latest/jax.ref.html
_REFERENCES = ("Ref", "ArrayRef", "MutableArray")


class TracedObserve:
    """Takes over from `observe` if a value is traced: a callback brings its bits when they are computed."""

    def __init__(self, probe: "Probe") -> None:
        self._probe = probe
        self._arrays = arrays.Arrays()
        self._is_deferring = False

    def convert(self, value: Any) -> "Optional[Tensor]":
        """Return (dtype, shape, bytes) of an array of JAX, random keys included."""
        if not isinstance(value, self._arrays.jax.Array) or self._arrays.is_tracer(value):
            return None
        array = self._arrays.array(value)
        return array.dtype.name, array.shape, array.tobytes()

    def read(self, value: Any, takes_single: bool) -> Optional[ArrayPrint]:
        """Return the fingerprint and facts of an array; None for anything else. Single values are always read.

        For a `jax.Ref`, which changes in place, and for a variable of nnx, it reads what they hold now.
        """
        kind = type(value)
        facts: ArrayFacts = {}
        if kind.__name__ in _REFERENCES and kind.__module__.startswith("jax."):
            value = getattr(getattr(value, "_refs", value), "_buf", None)
        elif kind.__module__.startswith("flax.nnx") and hasattr(kind, "_raw_value"):
            value = kind._raw_value.__get__(value)
            facts = {"model": True} if any(base.__name__ == "Param" for base in type.mro(kind)) else {}
        is_readable = type(value).__name__ == "ArrayImpl" and not value.is_deleted()
        found = self.convert(value) if is_readable else None
        if found is None:
            return None
        dtype, shape, data = found
        header = self._probe.hasher.header(dtype, shape)
        return ArrayPrint(dtype, shape, self._probe.hasher.data(data, header), facts=facts)

    def defer(self, name: str, value: Any, step: Any, kind: str) -> bool:
        """Return True if the value, or its step, is known only when the traced function runs."""
        leaves = self._arrays.jax.tree_util.tree_leaves((value, step))
        if not any(self._arrays.is_tracer(leaf) for leaf in leaves):
            if self._is_deferring:  # observations of the functions called so far come first
                self._arrays.jax.effects_barrier()
            return False
        try:
            self._call_back(name, value, step, kind)
        except Exception as error:  # this transformation does not support callbacks: the program goes on without one
            self._probe.not_observed(name, "JAX cannot call back from here: %s" % error)
        return True

    def _call_back(self, name: str, value: Any, step: Any, kind: str) -> None:
        tree = self._arrays.jax.tree_util
        leaves, structure = tree.tree_flatten((value, step))
        places = [place for place, leaf in enumerate(leaves) if self._arrays.is_tracer(leaf)]

        def record(*traced: Any) -> None:
            full = [None if place in places else leaf for place, leaf in enumerate(leaves)]
            for place, leaf in zip(places, traced):
                full[place] = leaf
            known, at = tree.tree_unflatten(structure, full)
            self._probe.own.observe(name, known, None if at is None else int(at), kind)

        def guarded(*traced: Any) -> None:
            self._probe.guard("observe inside a traced function", record, *traced)

        self._arrays.jax.debug.callback(guarded, *(leaves[place] for place in places))
        if not self._is_deferring:
            self._is_deferring = True
            self._probe.at_end(self._arrays.jax.effects_barrier)

    def say_hidden(self) -> None:
        """At the end: if a program uses only JAX and no step was seen, say how to name steps."""
        is_alone = not any(library in sys.modules for library in ("torch", "tensorflow", "keras"))
        if is_alone and not self._probe.step:
            self._probe.not_observed("steps", SAID)


def install(module: Library, probe: "Probe") -> None:
    """Let `observe` take arrays and traced values of JAX, and watch calls of compiled functions."""
    observed = TracedObserve(probe)
    probe.converters.append(observed.convert)
    probe.deferrals.append(observed.defer)
    probe.readers.append(observed.read)
    steps = jax_steps.CallSteps(probe, module)
    if Hooks(probe, steps).install():
        for library in ("optax", "equinox"):
            hooks.after_import(library, functools.partial(_watch_updates, probe, steps))
        probe.at_end(steps.end)
    else:
        probe.not_observed("steps", _HIDDEN + SAID)
    probe.at_end(observed.say_hidden)
    probe.at_end(functools.partial(_say_beside, probe, steps))


def _say_beside(probe: "Probe", steps: jax_steps.CallSteps) -> None:
    """Report that JAX computes something beside the training of a different library."""
    if probe.step and not probe.own.names_steps and not probe.optimizer_seen and steps.saw_no_step():
        probe.not_observed("steps of JAX", BESIDE)
        probe.event("warning", text=BESIDE)


def _watch_updates(probe: "Probe", steps: jax_steps.CallSteps, module: Library) -> None:
    """Wrap the function that adds updates to parameters. Inside a trace it does what it did before."""
    original = module.apply_updates
    tell = guarded(probe, "apply_updates", functools.partial(_applied, probe, steps))
    after(module, "apply_updates", tell)
    home: Library = sys.modules.get(original.__module__)
    if getattr(home, "apply_updates", None) is original:
        home.apply_updates = module.apply_updates


def _applied(probe: "Probe", steps: jax_steps.CallSteps, result: Pytree, *args: Any, **kwargs: Any) -> None:
    given = args + tuple(kwargs.values())
    if probe.stepping is None and len(given) == 2 and arrays.Arrays().is_concrete(result):
        steps.applied(given[0], given[1], result)


# The hooks by which calls of compiled functions of JAX are seen: before or after traces, never within them.
#
# JAX calls a compiled function in C++. It keeps one function that it calls after each such call, for its own check for
# NaN (`jax_debug_nans`); this function is not part of the key of its caches. A call that is traced, compiled, or has
# effects goes through `_run_python_pjit` instead. The program keeps the objects that `jax.jit` made.

_OWN = ("jax", "jaxlib", "keras", "samebits_probe")  # the first part of a module's name
_PMAP = "jax._src.pmap"


class Hooks:
    """Tells a listener about the calls: `before(function, arguments, program)` if the call can be seen in time, then
    `after(...)`.

    `function`: the program's own; `arguments`: (args, kwargs); `program`: the jaxpr, or None.
    """

    def __init__(self, probe: "Probe", listener: jax_steps.CallSteps) -> None:
        self._probe, self._listener = probe, listener
        self._inside = threading.local()
        self._core = importlib.import_module("jax._src.core")

    def install(self) -> bool:
        """Hook into JAX. Returns False if this version has none of the places."""
        api: Library = importlib.import_module("jax._src.api")
        pjit: Library = importlib.import_module("jax._src.pjit")
        if not hasattr(api, "_post_hook_state") or not hasattr(pjit, "_run_python_pjit"):
            return False
        api._post_hook_state = _Chain(api._post_hook_state, self._after_fast_call)
        self._wrap_slow_path(pjit)
        self._wrap_compiled(importlib.import_module("jax._src.stages").Compiled)
        return True

    def _after_fast_call(self, function: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], outputs: Pytree) -> None:
        own = getattr(function, "_fun", None) if self._is_of_program(function) else None
        if own is not None and self._is_told():
            self._guarded(self._listener.after, own, (args, kwargs), outputs, None)

    def _wrap_slow_path(self, pjit: Library) -> None:
        def make(original: Function) -> Function:
            def run(traced: Any, flat: Any, function: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
                if not self._is_of_program(function) or not self._core.trace_state_clean() or not self._is_told():
                    return original(traced, flat, function, args, kwargs)
                arguments, program = (args, kwargs), traced.params.get("jaxpr")
                before = self._guarded(self._listener.before, function, arguments, program)
                result = original(traced, flat, function, args, kwargs)
                self._guarded(self._listener.after, function, arguments, result[0], before)
                return result

            return run

        wrap(pjit, "_run_python_pjit", make)

    def _wrap_compiled(self, compiled: Any) -> None:
        """Wrap functions that are compiled ahead of time: `jit(f).lower(...).compile()`."""

        def make(original: Function) -> Function:
            def __call__(*args: Any, **kwargs: Any) -> Any:
                if not self._is_told():
                    return original(*args, **kwargs)
                function, arguments = args[0], (args[1:], kwargs)
                before = self._guarded(self._listener.before, function, arguments, None)
                result = original(*args, **kwargs)
                self._guarded(self._listener.after, function, arguments, result, before)
                return result

            return __call__

        wrap(compiled, "__call__", make)

    @staticmethod
    def _is_of_program(function: Any) -> bool:
        module = getattr(function, "__module__", None) or ""
        return module.partition(".")[0] not in _OWN or module == _PMAP

    def _is_told(self) -> bool:
        return self._probe.stepping is None and not getattr(self._inside, "is_ours", False)

    def _guarded(self, function: Callable[..., Result], *arguments: Any) -> Optional[Result]:
        """Call the listener. Its own calls of JAX do not count as the program's."""
        self._inside.is_ours = True
        try:
            return self._probe.guard("call of a compiled function", function, *arguments)
        finally:
            self._inside.is_ours = False


class _Chain:
    """Replaces JAX's own state for that one function. If JAX sets a function of its own, it is called after ours."""

    def __init__(self, state: Any, ours: Function) -> None:
        self._state, self._ours = state, ours
        state.set_global(ours)

    def _joined(self, function: Optional[Function]) -> Function:
        if function is None:
            return self._ours

        def both(*arguments: Any) -> Any:
            self._ours(*arguments)
            return function(*arguments)

        return both

    def set_global(self, function: Optional[Function]) -> None:
        """See JAX's own class."""
        self._state.set_global(self._joined(function))

    def set_local(self, function: Optional[Function]) -> None:
        """See JAX's own class."""
        self._state.set_local(self._joined(function))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)
