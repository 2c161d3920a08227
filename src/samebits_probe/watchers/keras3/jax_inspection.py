"""Inspects one step of Keras 3 on JAX: what its layers return, or every operator that it runs.

The inspected step runs from its trace instead of the compiled function. For layers it is one compiled function with
further outputs. For operators it runs one by one, because XLA fuses what it compiles together. All other steps run as
usual.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from ...inspection import constant
from ..jax.programs import Equation, Jaxpr, calls_back, code_of
from ..objects import Array, Function, Layer, Model, NamedValue, Pytree, Traced
from . import collection

if TYPE_CHECKING:
    from types import FrameType

    from ...inspection import Inspection, Output
    from .functions import Keras3Watch

Split = Callable[[Pytree], Tuple[Pytree, Sequence[Tuple[str, str]], Sequence[Any]]]  # see `TrainFunction`
Stage = Any  # what `trace` of a compiled function returns
Results = Tuple[List[Any], Callable[[], None]]  # and what writes what was seen

_KEY = "samebits:"
NOTES = {
    "operator": "Keras on JAX: the operators of this step were run one by one: their bits can differ from those of "
    "the compiled step.",
    "module": "Keras on JAX: this step was compiled with what layers return as further outputs: its bits can differ "
    "from those of the program's own step.",
}


class OutputNames(collection.StepCollection):
    """Gives names to the outputs of layers in the trace. A name changes neither a value nor the compiled code."""

    def __init__(self, watch: "Keras3Watch") -> None:
        super().__init__(lambda _: None)
        self._backend = watch.backend

    def returned(self, layer: Layer, named: List[NamedValue]) -> None:
        give = importlib.import_module("jax.ad_checkpoint").checkpoint_name
        for name, value in named:
            if self._backend.is_tracer(value):
                give(value, "%s%s:%s" % (_KEY, type(layer).__name__, name))


def collected(watch: "Keras3Watch") -> collection.StepCollection:
    """Return what a train step shows. If layers are to be inspected, its trace has names."""
    return OutputNames(watch) if watch.probe.details is not None else collection.StepCollection(lambda _: None)


def looking(watch: "Keras3Watch", model: Model, split: Split) -> "Optional[TraceInspection]":
    """Return the inspection; None if no step is inspected. `split(logs)`: see `TrainFunction`."""
    details = watch.probe.details
    return TraceInspection(watch, details, model, split) if details is not None else None


class TraceInspection:
    """Runs the trace of a step function. If it cannot, it says why, and the step runs as usual."""

    def __init__(self, watch: "Keras3Watch", details: "Inspection", model: Model, split: Split) -> None:
        self._watch, self._details, self._model, self._split = watch, details, model, split
        self._jax, self._tree = watch.backend.jax, watch.backend.jax.tree_util

    def is_on(self) -> bool:
        return self._details.is_on()

    def step(self, function: Function, state: Pytree, data: Pytree) -> Any:
        """Return (logs, state) as `function` returns them; None if the step has not been run."""
        if not hasattr(function, "trace"):
            return self._unseen("the step is not compiled as a whole (run_eagerly, or jit_compile is off)")
        traced = function.trace(state, data)  # an error in it is the program's own
        return self._watch.probe.guard("look into a step", self._step, traced, (state, data))

    def _step(self, traced: Stage, given: Pytree) -> Any:
        leaves = self._tree.tree_leaves(given)
        if any(len(leaf.devices()) > 1 for leaf in leaves if isinstance(leaf, self._jax.Array)):
            return self._unseen("its arrays lie on several devices")
        program = Jaxpr(traced.jaxpr)
        # copies: if this fails because of an input array, the compiled step fails, too
        arguments = [self._copy(leaf, aval) for leaf, aval in zip(leaves, traced.jaxpr.in_avals)]
        run = self._operators if self._details.level == "operator" else self._layers
        try:
            results, add = run(program, arguments, traced)
            self._jax.block_until_ready(results)  # an error of a callback shows only then
        except Exception as error:  # also an error of the program, which the compiled step then raises itself
            return self._unseen("JAX cannot run it from its trace (%s: %s)" % (type(error).__name__, error))
        add()
        self._details.note(NOTES[self._details.level])
        results = self._own(results, traced.jaxpr.out_avals, program.constants.values())
        return self._tree.tree_unflatten(self._tree.tree_structure(traced.out_info), results)

    def _unseen(self, why: str) -> None:
        point = "operators" if self._details.level == "operator" else "layers"
        self._watch.not_observed(point, "Keras on JAX: " + why)
        self._details.note("Keras on JAX: %s of this step are not seen: %s." % (point, why))

    def _copy(self, value: Any, aval: Any) -> Array:
        dtype = None if isinstance(value, self._jax.Array) else aval.dtype
        return self._jax.numpy.array(value, dtype=dtype, copy=True)

    def _own(self, results: Iterable[Any], avals: Iterable[Any], others: Iterable[Any]) -> List[Any]:
        """Return the results, each in its own memory, because the next step reuses the memory of its inputs."""
        taken, found = {_memory(value) for value in others}, []
        for result, aval in zip(results, avals):
            if not isinstance(result, self._jax.Array) or _memory(result) in taken:
                result = self._copy(result, aval)
            taken.add(_memory(result))
            found.append(result)
        return found

    def _layers(self, program: Jaxpr, arguments: List[Any], _: Stage) -> Results:
        """Return (results, function() that writes what layers returned), from one compiled function."""
        labels: List[str] = []

        def step(arguments: List[Traced]) -> Tuple[List[Traced], List[Traced]]:
            returned: List[Traced] = []

            def seen(operator: Equation, inputs: List[Traced], _: List[Traced]) -> None:
                label = operator.label()
                if label is not None and label.startswith(_KEY):
                    labels.append(label)
                    returned.extend(inputs)

            results = program.run(arguments, seen)
            return results, returned

        results, returned = self._jax.jit(step)(arguments)

        def add() -> None:
            for label, value in zip(labels, returned):
                _, kind, name = label.split(":", 2)
                self._details.add("forward", "module", name.partition(":")[2], [self._output(value)], type=kind)

        return results, add

    def _operators(self, program: Jaxpr, arguments: List[Any], traced: Stage) -> Results:
        """Return (results, function() that writes what operators did), from running each operator separately."""
        forward, backward = self._parts(program, traced)
        names = {layer.name for layer in self._model._flatten_layers()}
        prints: Dict[int, Optional[str]] = {}
        lines: List[Tuple[str, Equation, List[Output]]] = []
        here = code_of(_stack())

        def seen(operator: Equation, inputs: List[Any], outputs: List[Any]) -> None:
            label = operator.label()
            for place, value in zip(operator.inputs, inputs):
                if place not in prints and place not in program.constants:
                    prints[place] = self._output(value, keep=False)[2]
            found = [self._output(value) for value in outputs]
            prints.update((place, output[2]) for place, output in zip(operator.outputs, found))
            if label is None or not label.startswith(_KEY):
                phase = "forward" if operator in forward else "backward" if operator in backward else "update"
                lines.append((phase, operator, found))

        results = program.run(arguments, seen)

        def add() -> None:
            for phase, operator, found in lines:
                layer = next((name for name in reversed(operator.scopes) if name in names), "")
                given = [prints[place] for place in operator.inputs if prints.get(place)]
                fields = {"module": layer, "code": operator.code or here, "inputs": given, "random": operator.is_random}
                fields["given"] = self._given(operator, program.constants)
                self._details.add(phase, "operator", operator.name, found, **fields)

        return results, add

    def _given(self, operator: Equation, constants: Dict[int, Any]) -> Dict[str, str]:
        """Return {name: text} of its numbers and its constant inputs, without keys of generators."""
        found: Dict[str, Optional[str]] = dict(operator.numbers())
        for number, place in enumerate(operator.inputs):
            if place in constants and not self._is_key(constants[place]):
                found["input %d" % number] = constant(self._watch.backend.numpy.asarray(constants[place]))
        return {name: text for name, text in found.items() if text is not None}

    def _is_key(self, value: Any) -> bool:
        found: bool = self._jax.dtypes.issubdtype(getattr(value, "dtype", None), self._jax.dtypes.extended)
        return found

    def _output(self, value: Any, keep: bool = True) -> "Output":
        """Return what an inspection keeps of a value.

        If the value is not an array (but a reference or a token), that is only its type.
        """
        if not isinstance(value, (self._jax.Array, self._watch.backend.numpy.ndarray)):
            return self._details.output(type(value).__name__, (), None)
        array = self._watch.backend.array(value)
        found = self._watch.points.kept(array)
        return self._details.output(found.dtype, found.shape, found.fingerprint, array.tobytes if keep else None)

    def _parts(self, program: Jaxpr, traced: Stage) -> Tuple[Set[Equation], Set[Equation]]:
        """Return (operators from which the loss is computed, further operators from which gradients are computed).

        If the step does not return these: operators that JAX transposed belong to the backward pass, and those that it
        differentiated to the forward pass.
        """
        logs, layout, values = self._split(traced.out_info[0])
        at = len(self._tree.tree_leaves(logs))
        given: Dict[str, List[int]] = {"forward": [], "gradient": []}
        for (kind, _), value in zip(layout, values):
            count = len(self._tree.tree_leaves(value))
            given[kind] += program.results[at : at + count]
            at += count
        transposed = [one for one in program.operators if "transpose" in one.transforms]
        if not given["gradient"]:
            given["gradient"] = [place for one in transposed for place in one.outputs]
        forward = program.needed_for(given["forward"])
        if not forward:
            forward = {one for one in program.operators if "jvp" in one.transforms} - set(transposed)
        return forward, (program.needed_for(given["gradient"]) | set(transposed)) - forward


def _stack() -> Iterator[Tuple[str, int]]:
    """Yield ((path, line), ...) of the calls that led here, including the program's call of `fit`."""
    frame: "Optional[FrameType]" = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _memory(value: Any) -> int:
    """Return a value that is equal for two arrays that share memory."""
    try:
        found: int = value.unsafe_buffer_pointer()
        return found
    except Exception:  # no such method, or no single buffer (keys of generators): then the object itself
        return id(value)


# Checks whether returning gradients from a compiled step changes its bits, because XLA fuses what is not returned.
#
# Each compiled step runs once beside the same step without our outputs, on the same values, and the results are
# compared bit for bit. If they differ, the step without our outputs trains, and the gradients stay unseen.

SAID = "Keras on JAX: returning it from the compiled step would change the step's bits"


class CheckedStep:
    """A compiled step function, (state, data) to (logs, state).

    It is checked before its first use for each shape. `look`: runs it in the step that is inspected (`jax_inspection`),
    or None.
    """

    def __init__(self, watch: "Keras3Watch", function: Function, split: Split, look: Optional[TraceInspection]) -> None:
        self._watch, self._jax = watch, watch.backend.jax
        self._function, self._split, self._look = function, split, look
        self._chosen: Dict[Any, Function] = {}  # shapes -> the function to call

    def __call__(self, state: Pytree, data: Pytree) -> Any:
        if self._look is not None and self._look.is_on():
            found = self._look.step(self._function, state, data)
            if found is not None:
                return found
        return self._checked(state, data)

    def _checked(self, state: Pytree, data: Pytree) -> Any:
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
        if not extras or traced.jaxpr.effects or calls_back(traced.jaxpr.jaxpr):
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
            self._watch.not_observed(point, SAID)
        self._chosen[key] = jit(plain, donate_argnums=0)
        return expected

    def _are_equal(self, one: Pytree, other: Pytree) -> bool:
        leaves = zip(self._jax.tree_util.tree_leaves(one), self._jax.tree_util.tree_leaves(other))
        array = self._watch.backend.array
        return all(array(a).tobytes() == array(b).tobytes() for a, b in leaves)
