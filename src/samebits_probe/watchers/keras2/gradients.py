"""Which gradients an optimizer of a graph asked for, and which operations apply them.

Nothing is added to the graph, because one more operation would change the seeds that TensorFlow derives from the number
of operations. Instead, this module remembers the tensors that the program's own optimizer uses.

`Tapes` watches loops with `GradientTape` outside of functions: an optimizer that gets eager gradients steps at once.
"""

import functools
import itertools
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Sequence, Set, Tuple

from ...wrappers import after, before, guarded, wrap
from ..objects import Function, Graph, Library, NamedValue, Operation, Optimizer, Tensor, Variable
from ..tensorflow.operations import operation_of
from .variables import FunctionVariables, name_of, state_of

if TYPE_CHECKING:
    from ...probe import Probe
    from .watcher import Keras2Watch

Gradient = Any  # a tensor, IndexedSlices or None
Pair = Tuple[Gradient, Variable]

_counter = itertools.count()
_LOSS = "_samebits_loss"  # attribute of an optimizer: a weak reference to its latest loss
_FOUND = "_samebits_found"  # attribute of the graph, so that what is found lives as long as the graph


class AppliedGradients:
    """What one optimizer applies: `gradients` (tensors, IndexedSlices or None) beside `parameters`."""

    def __init__(
        self,
        optimizer: Optimizer,
        gradients: Iterable[Gradient],
        parameters: Iterable[Variable],
        loss: Optional[Tensor] = None,
        update: Any = None,
    ) -> None:
        self._optimizer = weakref.ref(optimizer)  # outside of sessions the program decides how long its slots live
        self._kept: Optional[Optimizer] = None
        self.gradients = list(gradients)
        self.parameters = list(parameters)
        self.loss = loss
        self.unclipped: Optional[List[Gradient]] = None
        self._update = update
        self.number = next(_counter)

    @property
    def optimizer(self) -> Optional[Optimizer]:
        """The optimizer, or None if the program has let go of it."""
        return self._optimizer()

    def keep_optimizer(self, graph: Graph) -> None:
        """Keep the optimizer as long as a session's graph. The graph keeps the optimizer's variables anyway."""
        if not hasattr(graph, "outer_graph"):
            self._kept = self.optimizer

    def as_outputs(self) -> "AppliedGradients":
        """Return the tensors that a function of TensorFlow 2 may return.

        These are the gradients before they are clipped by their norm. If the function returned the clipped
        ones, TensorFlow 2.1 would compute `SGD(momentum, clipnorm)` in a different order.
        """
        if self.unclipped is None or not getattr(self.optimizer, "clipnorm", 0):
            return self
        return AppliedGradients(self.optimizer, self.unclipped, self.parameters, self.loss, self._update)

    def is_applied_by(self, updates: Iterable[Any]) -> bool:
        """Return whether one of the operations `updates` of a function applies these gradients."""
        own = self.operations()
        return any(operation_of(update) in own for update in updates if not isinstance(update, tuple))

    def operations(self) -> Set[Operation]:
        """Return the operations that apply the gradients, as far as the optimizer tells them."""
        own = [self._update] if self._update is not None else getattr(self.optimizer, "updates", None) or []
        return {operation_of(one) for one in own if one is not None and not isinstance(one, tuple)}


def find(updates: Iterable[Any]) -> Optional[AppliedGradients]:
    """Return the newest `AppliedGradients` that one of `updates` applies, or None."""
    for graph in {id(g): g for g in map(graph_of, updates) if g is not None}.values():
        for found in reversed(all_of(graph)):
            if found.is_applied_by(updates):
                return found
    return None


def all_of(graph: Any) -> Sequence[AppliedGradients]:
    """Return all `AppliedGradients` of a graph, oldest first."""
    found: Sequence[AppliedGradients] = getattr(graph, "__dict__", {}).get(_FOUND, ())
    return found


def now() -> int:
    """Return a number that separates earlier gradients from later ones, for `newest_since`."""
    return next(_counter)


def newest_since(number: int, graph: Any) -> Optional[AppliedGradients]:
    """Return the newest `AppliedGradients` of a graph after `number`, or None.

    This serves an optimizer that hides its operations.
    """
    listed = all_of(graph)
    return listed[-1] if listed and listed[-1].number > number else None


def graph_of(value: Any) -> Optional[Graph]:
    """Return the graph of a tensor, an operation or an update; None for an eager value."""
    if isinstance(value, tuple):  # (variable, new value)
        value = value[1]
    graph = getattr(operation_of(value), "graph", None)
    return graph if hasattr(graph, "__dict__") else None


def tensor_of(gradient: Gradient) -> Tensor:
    """Return the tensor of a gradient: the values of a sparse one."""
    return getattr(gradient, "values", gradient)


def remember(found: AppliedGradients) -> None:
    """Keep what was found on its graph. Eager gradients have no graph and are not kept."""
    for gradient in found.gradients:
        graph = graph_of(tensor_of(gradient)) if gradient is not None else None
        if graph is not None:
            found.keep_optimizer(graph)
            graph.__dict__.setdefault(_FOUND, []).append(found)
            return


_computed: List[Sequence[Gradient]] = []  # what Keras' `gradients` returned since the current optimizer was asked


def watch_backend(backend: Library) -> None:
    """Remember what `backend.gradients(loss, variables)` returns while an optimizer is asked for its gradients."""

    def tell(computed: Any, *_: Any, **__: Any) -> None:
        _computed[:] = [computed]

    after(backend, "gradients", tell)


def watch_get_gradients(owner: Any, probe: "Probe") -> None:
    """Remember what `owner.get_gradients(loss, params)` returns. `owner`: an optimizer class, or one optimizer."""
    before(owner, "get_gradients", lambda *_, **__: _computed.clear())
    after(owner, "get_gradients", guarded(probe, "keras gradients", functools.partial(_remember_gradients, owner)))


def _remember_gradients(owner: Any, gradients: Sequence[Gradient], *args: Any, **kwargs: Any) -> None:
    optimizer, rest = (args[0], args[1:]) if isinstance(owner, type) else (owner, args)
    named = dict(zip(("loss", "params"), rest), **kwargs)
    found = AppliedGradients(optimizer, gradients, named["params"], loss=named.get("loss"))
    if _computed and len(_computed[0]) == len(found.gradients):
        found.unclipped = list(_computed[0])
    del _computed[:]
    remember(found)


def watch_apply_gradients(owner: Any, probe: "Probe", tapes: "Tapes") -> None:
    """Remember what `owner.apply_gradients(grads_and_vars, ...)` applies in a graph, and by which operation.

    Outside of graphs there is nothing to remember, because `tapes` observes a step when it happens.
    """

    def make(original: Function) -> Function:
        def apply_gradients(self: Any, grads_and_vars: Iterable[Pair], *args: Any, **kwargs: Any) -> Any:
            pairs = list(grads_and_vars)
            is_eager = any(hasattr(tensor_of(gradient), "_numpy") for gradient, _ in pairs)
            step = probe.guard("gradients", tapes.before, self, pairs) if is_eager else None
            update = original(self, pairs, *args, **kwargs)
            if step is not None:
                probe.guard("gradients", step.after)
            elif not is_eager:
                probe.guard("gradients", _remember_applied, self, pairs, update)
                probe.guard("gradients", tapes.traced, pairs)
            return update

        return apply_gradients

    wrap(owner, "apply_gradients", make)


def _remember_applied(optimizer: Optimizer, pairs: Sequence[Pair], update: Any) -> None:
    loss = getattr(optimizer, _LOSS, lambda: None)()
    remember(AppliedGradients(optimizer, [g for g, _ in pairs], [v for _, v in pairs], loss=loss, update=update))


def watch_compute_gradients(owner: Any, probe: "Probe") -> None:
    """Remember the loss of `owner.compute_gradients(loss, ...)` for what the same optimizer applies next."""
    before(owner, "compute_gradients", guarded(probe, "keras gradients", _remember_loss))


def _remember_loss(optimizer: Optimizer, loss: Any, *_: Any, **__: Any) -> None:
    if hasattr(loss, "graph"):
        setattr(optimizer, _LOSS, weakref.ref(loss))


def parts(found: AppliedGradients, name_of: Callable[[Variable], str]) -> List[NamedValue]:
    """Return [(name, tensor)] of everything that can be fetched. A sparse gradient has its values and its indices."""
    named = []
    for gradient, parameter in zip(found.gradients, found.parameters):
        if gradient is None:
            continue
        name = name_of(parameter)
        named.append((name, tensor_of(gradient)))
        indices = getattr(gradient, "indices", None)
        if indices is not None:
            named.append((name + "/indices", indices))
    return named


# -- loops with a tape ------------------------------------------------------------------------------------------------


_NOT_INSPECTED = "Layers and operators of a loop with GradientTape are not seen on this TensorFlow."


class Tapes:
    """The optimizers of one class."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        # optimizer -> _TapeStep
        self._steps: "weakref.WeakKeyDictionary[Optimizer, _TapeStep]" = weakref.WeakKeyDictionary()

    def before(self, optimizer: Optimizer, pairs: Sequence[Pair]) -> "Optional[_TapeStep]":
        """Return the step that an optimizer is about to make, or None. The caller calls its `after()`."""
        found = AppliedGradients(optimizer, [gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        if self._watch.looping:  # the loop of tf.keras counts this step
            self._watch.eager_gradients = found
            return None
        step = self._steps.get(optimizer)
        if step is None:
            step = self._steps[optimizer] = _TapeStep(self._watch)
        step.before(found)
        return step

    def traced(self, pairs: Sequence[Pair]) -> None:
        """Report an optimizer that was applied to tensors of a graph.

        The graph is a function of the program, or Keras' own.
        """
        graphs = [graph_of(tensor_of(gradient)) for gradient, _ in pairs if gradient is not None]
        own = self._watch.looping or not graphs or getattr(graphs[0], "name", "keras_graph") == "keras_graph"
        if not own and hasattr(graphs[0], "outer_graph"):
            self._watch.say_hidden_point("steps inside a function")

    def wrap_tape(self, tape_class: Any) -> None:
        """Wrap `gradient` of a tape class: its target is the loss."""
        before(tape_class, "gradient", guarded(self._watch.probe, "loss", self._add_loss))

    def _add_loss(self, _: Any, target: Any, *__: Any, **___: Any) -> None:
        if hasattr(target, "_numpy") and not self._watch.looping:
            self._watch.probe.begin()
            self._watch.add_all("forward", [("loss", target)])


class _TapeStep:
    """The steps of one optimizer."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        self._tracked = FunctionVariables(watch)
        self._known: Optional[List[int]] = None
        self._found: AppliedGradients  # while a step runs

    def before(self, found: AppliedGradients) -> None:
        """Record the initial weights if they are new, and the gradients."""
        watch = self._watch
        watch.probe.begin()
        watch.say_hidden_point("batch of a loop")
        if watch.probe.details is not None and watch.probe.details.is_on():
            watch.probe.details.note(_NOT_INSPECTED)
        self._found = found
        if not self._tracked.are_found:
            self._tracked.find(*_variables(found), session=None)
        watch.add_all("gradient", parts(found, name_of))

    def after(self) -> None:
        """Record weights and state: the step is over."""
        found = self._found
        del self._found
        weights, state = _variables(found)
        known = [id(variable) for _, variable in weights + state]
        if known != self._known:
            self._tracked.grow(weights, state)
            self._known = known
        self._tracked.add_updates(None)
        self._watch.end_step("apply")


def _variables(found: AppliedGradients) -> Tuple[List[NamedValue], List[NamedValue]]:
    weights = [(name_of(parameter), parameter) for parameter in found.parameters]
    return weights, state_of(found.optimizer, found.parameters)
