"""The program's own training loops on TensorFlow: tapes, layers, optimizers, eagerly and in `tf.function`."""

import functools
import struct
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple

from ... import rng, wire
from ...wrappers import before, guarded
from ..keras3 import loops as keras3_loops
from ..objects import Array, Layer, Library, NamedValue, Optimizer, Tensor, Variable
from ..points import named_leaves
from .variables import module_of

if TYPE_CHECKING:
    from ..keras3.functions import Keras3Watch
    from .inspection import OperationInspection, Step

_WORDS = struct.Struct("<625I").pack  # the state of a `random.Random`


def install(tensorflow: Library, watch: "Keras3Watch", layer_class: Any) -> keras3_loops.Loops:
    """Watch the loops of a program whose optimizers and layers are those of Keras 3. Returns the loops."""
    loops = keras3_loops.Loops(watch)
    loops.graphs = Graphs(loops, tensorflow)
    loops.graphs.wrap_calls(module_of("eager.polymorphic_function.polymorphic_function").Function)
    keras3_loops.wrap_layers(layer_class, loops)
    tape = module_of("eager.backprop").GradientTape
    if watch.probe.details is not None:
        from .inspection import OperationInspection  # needs parts of TensorFlow that nothing else needs

        loops.look = watch.backend.look = OperationInspection(watch, loops, watch.probe.details)
        loops.look.wrap_layers(layer_class)
        loops.look.wrap_tape(tape)
        loops.look.wrap_record(module_of("eager.record"))

    def asked(_: Any, target: Any, *__: Any, **___: Any) -> None:
        if not loops.is_off():
            loops.lost(target)

    before(tape, "gradient", guarded(watch.probe, "loss of a tape", asked))
    return loops


def sample_random_state() -> None:
    """Add the seeds of TensorFlow's random operations to the random states: those of the context and of the global
    generator.
    """
    context = module_of("eager.context").context
    stateful = module_of("ops.stateful_random_ops")

    def state() -> Optional[bytes]:
        generator, found = stateful.global_generator, context()
        if found._seed is None and generator is None:
            return None
        parts = [repr(found._seed).encode()]
        if found._seed is not None and found._rng is not None:
            parts.append(_WORDS(*found._rng.getstate()[1]))
        if generator is not None:
            parts.append(generator.state.numpy().tobytes())
        return b"|".join(parts)

    rng.SAMPLERS["tensorflow"] = state


# Steps that a program builds into its own `tf.function`. A callback at their end reports them; under XLA the outside
# does.

_TRACED, _COMPILED = "_samebits_traced", "_samebits_compiled"


class GraphStep:
    """What the next step in a graph that is being built has shown so far."""

    def __init__(self) -> None:
        self.batches: List[NamedValue] = []
        self.losses: List[NamedValue] = []
        self.models: List[Layer] = []
        self.layers: List[NamedValue] = []  # [(name, what a layer returned)], if that is inspected
        self.begins = 0
        self.looked: "Optional[Step]" = None  # how many operations the graph held before the step; what is inspected
        self.last: Optional[Tensor] = None  # the callback of the step before in the same graph


class Graphs:
    """Sees layers, losses and optimizer steps while a graph is built.

    At the end of each step the graph gets one callback. It gets the gradients, losses and batches, and the variables
    after the update, and is not in the program's data path. XLA has no callbacks. There the optimizer's iterations show
    after a call how many steps it made, and the report names what was not seen inside.
    """

    def __init__(self, loops: keras3_loops.Loops, tensorflow: Library) -> None:
        self._loops, self._watch, self._tf = loops, loops.watch, tensorflow
        self._graph = loops.watch.backend.graph_of
        self._is_xla = module_of("ops.control_flow_util").GraphOrParentsInXlaContext
        self._calls: List[Any] = []  # the tf.functions that run or are traced, the outermost first

    def is_building(self) -> bool:
        return not self._tf.executing_eagerly()

    def _here(self) -> GraphStep:
        graph = self._graph()
        if getattr(graph, _TRACED, None) is None:
            setattr(graph, _TRACED, GraphStep())  # on the graph itself, so that both go together
        found: GraphStep = getattr(graph, _TRACED)
        return found

    def _shown(self) -> GraphStep:
        """Return what this graph has shown. The graph of a condition is also a part of the graphs around it."""
        here, graph = self._here(), getattr(self._graph(), "outer_graph", None)
        while getattr(graph, _TRACED, None) is not None:
            around = getattr(graph, _TRACED)
            here.batches, here.losses = around.batches + here.batches, around.losses + here.losses
            here.layers = around.layers + here.layers
            here.models = around.models + [one for one in here.models if one not in around.models]
            graph = getattr(graph, "outer_graph", None)
        return here

    def called(self, layer: Layer, named: List[NamedValue]) -> None:
        """Keep the inputs of an outermost layer that is called.

        They are the batch, if gradients can be recorded here.
        """
        if self._watch.backend.may_record():
            here = self._here()
            if layer not in here.models:
                here.models.append(layer)
            here.batches += named

    def returned(self, named: List[NamedValue]) -> None:
        """Keep what a layer returned, for an inspection."""
        self._here().layers += named

    def lost(self, target: Any) -> None:
        """Note that the program asks for gradients of `target`."""
        self._here().losses += named_leaves("loss", target, self._watch.backend.is_leaf)

    def apply(
        self, optimizer: Optimizer, gradients: List[NamedValue], variables: Sequence[Variable], run: Callable[[], Any]
    ) -> Any:
        """Record an optimizer step in a graph."""
        guard, look = self._watch.probe.guard, self._loops.look
        here = guard("start of a graph's step", self._start, optimizer, variables)
        began = guard("details of a step", look.applies) if look is not None else None
        result = run()
        if look is not None and look.has_operators and here is not None and not self._is_under_xla():
            here.looked = guard("details of a step", self._looked, look, here, began or 0, gradients)
        if here is not None:
            guard("step in a graph", self._end, here, optimizer, gradients, variables)
        return result

    def _end(
        self, here: "GraphStep", optimizer: Optimizer, gradients: List[NamedValue], variables: Sequence[Variable]
    ) -> None:
        if self._is_under_xla():
            self._outside(optimizer, variables, list(here.models))
        else:
            self._call_back(here, optimizer, gradients, variables)
        here.batches, here.losses, here.models, here.layers, here.looked = [], [], [], [], None
        here.begins = len(self._graph().get_operations()) if self._loops.look is not None else 0

    def _looked(
        self, look: "OperationInspection", here: "GraphStep", began: int, gradients: List[NamedValue]
    ) -> "Step":
        """Return what is inspected of a step that has just been built.

        Its update begins at operation number `began`.
        """
        parts = self._watch.backend.parts
        results = [tensor for name, value in here.losses + here.layers for _, tensor in parts(name, value)]
        computed = [tensor for name, value in gradients for _, tensor in parts(name, value)]
        step = look.steps(results, [(began, computed)], here.begins)[0]
        step.is_a_part = any(getattr(tensor, "graph", None) is not self._graph() for tensor in results)
        return step

    def _start(self, optimizer: Optimizer, variables: Sequence[Variable]) -> GraphStep:
        here = self._shown()
        self._watch.probe.once("observed-by", how="apply")
        owned = self._loops.owned(optimizer, variables, here.models)
        self._watch.lives.start(owned.weights)
        self._watch.remains.follow()
        return here

    def _call_back(
        self, here: "GraphStep", optimizer: Optimizer, gradients: List[NamedValue], variables: Sequence[Variable]
    ) -> None:
        """End the step with a callback. The next step in the same graph waits for it."""
        owned = self._loops.owned(optimizer, variables, here.models)
        tensor = self._watch.backend.tensor
        named = [("batch", name, value) for name, value in here.batches]
        named += [("forward", name, value) for name, value in here.losses + here.layers]
        named += [("gradient", name, value) for name, value in gradients]
        named += [("rng", name, tensor(one)) for name, one in owned.seeds]
        named += [("update", name, tensor(one)) for name, one in owned.weights + owned.optimizers]
        flat = [(kind, part, item) for kind, name, value in named for part, item in self._parts(kind, name, value)]
        layout, looked = [(kind, part) for kind, part, _ in flat], here.looked

        def step(*arrays: Any) -> Any:
            self._watch.probe.guard("step in a graph", self._record, layout, arrays, looked)
            return self._watch.backend.numpy.int32(0)

        inputs = [item for _, _, item in flat] + (looked.tensors if looked is not None else [])
        inputs += [here.last] if here.last is not None else []
        here.last = self._tf.numpy_function(step, inputs, self._tf.int32)

    def _parts(self, kind: str, name: str, value: Any) -> List[NamedValue]:
        """Return [(name, tensor)] of the values that can be reached from the graph of the step."""
        parts = self._watch.backend.parts(name, value)
        if all(self._is_reachable(item) for _, item in parts):
            found: List[NamedValue] = parts
            return found
        self._watch.probe.not_observed(kind, "%s is computed inside a condition or loop of the graph" % name)
        return []

    def _is_reachable(self, tensor: Tensor) -> bool:
        backend, graph = self._watch.backend, self._graph()
        if not self._tf.is_tensor(tensor) or backend.is_eager(tensor):
            return True
        while graph is not None and graph is not tensor.graph:
            graph = getattr(graph, "outer_graph", None)
        return graph is not None

    def _record(self, layout: List[Tuple[str, str]], arrays: Sequence[Array], looked: "Optional[Step]") -> None:
        watch = self._watch
        watch.probe.begin()
        for (kind, name), array in zip(layout, arrays):
            if name.startswith(wire.LAYER):
                watch.captured(name, watch.backend.array(array))
            elif kind == "forward":
                watch.points.array(kind, name, watch.backend.numpy.asarray(array))
            else:
                watch.record(kind, [(name, array)])
        if looked is not None:
            looked.write(watch, arrays[len(layout) :])
        watch.probe.end_step()

    # -- XLA --------------------------------------------------------------------------------------------------

    def _is_under_xla(self) -> bool:
        return self._is_xla(self._graph()) or any(getattr(one, "_jit_compile", False) for one in self._calls)

    def _outside(self, optimizer: Optimizer, variables: Sequence[Variable], models: List[Layer]) -> None:
        if not self._calls:
            self._watch.probe.not_observed("steps", "a step is compiled by XLA before it is called")
            return
        for point in ("batch", "loss", "gradient"):
            self._watch.probe.not_observed(point, "TensorFlow, inside a function compiled by XLA (jit_compile=True)")
        function = self._calls[0]
        if getattr(function, _COMPILED, None) is None:
            setattr(function, _COMPILED, [])
        compiled = getattr(function, _COMPILED)
        if not any(known[0] is optimizer for known in compiled):
            count = int(self._watch.backend.read(optimizer.iterations))
            compiled.append([optimizer, variables, models, count])

    def wrap_calls(self, function_class: Any) -> None:
        """Wrap `__call__` of the class of `tf.function`s."""
        original, graphs = function_class.__call__, self

        @functools.wraps(original)
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
            if graphs._loops.is_elsewhere():
                return original(self, *args, **kwargs)
            graphs._calls.append(self)
            try:
                result = original(self, *args, **kwargs)
            finally:
                graphs._calls.pop()
            compiled = getattr(self, _COMPILED, None)
            if compiled is not None and not graphs._calls:
                graphs._watch.probe.guard("call compiled by XLA", graphs._compiled, compiled)
            return result

        function_class.__call__ = __call__

    def _compiled(self, compiled: List[List[Any]]) -> None:
        """Count the steps of a call of a compiled function that has ended. Its optimizers have counted them."""
        watch = self._watch
        for entry in compiled:
            optimizer, variables, models, before = entry
            entry[3] = now = int(watch.backend.read(optimizer.iterations))
            for step in range(before, now):
                watch.probe.begin()
                if self._loops.look is not None:
                    watch.probe.guard("details of a step", self._loops.look.unseen, "the function is compiled by XLA")
                if step + 1 == now:
                    owned = self._loops.owned(optimizer, variables, models)
                    watch.variables("update", owned.weights)
                    watch.variables("update", owned.optimizers)
                watch.probe.end_step()
