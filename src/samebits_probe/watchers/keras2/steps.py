"""What is observed when a function of Keras 2 is called: a step of an optimizer, or an evaluation."""

from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Sequence, Tuple

from ..objects import Model, NamedValue, Operation, Tensor, Variable
from . import gradients
from .layer_inspection import FetchedTensors, ModelLayers, StepParts, running
from .variables import FunctionVariables, name_of, state_of

if TYPE_CHECKING:
    from .watcher import Keras2Watch


class _Called:
    """The part that steps and evaluations share: names of what goes in and comes out."""

    takes_outputs = False
    _kind, _prefix = "batch", ""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch

    def _add_inputs(self, names: Sequence[str], values: Iterable[Any]) -> List[NamedValue]:
        """Record the arrays that are fed. Returns [(name, tensor)] of those that are tensors of the graph."""
        tensors = []
        for name, value in zip(names, values):
            for part, array in self._watch.arrays_of(name, value):
                if array is not None:
                    self._watch.arrays.array(self._kind, self._prefix + part, array)
                elif value is not None:
                    tensors.append((name, value))
        return tensors

    def _add_outputs(self, names: Sequence[str], outputs: Any) -> None:
        values = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        known = [*names, *("output.%d" % position for position in range(len(names), len(values)))]
        self._watch.add_all("forward", [(self._prefix + name, value) for name, value in zip(known, values)])


class OptimizerCall(_Called):
    """One call is one step of the optimizer: begin, batch, loss, gradients, weights and state, end."""

    def __init__(
        self, watch: "Keras2Watch", found: Optional[gradients.AppliedGradients], model: Optional[Model], outputs: Any
    ) -> None:
        _Called.__init__(self, watch)
        self._inputs: Optional[List[str]] = _fed_names(model) if model is not None else None
        self._outputs = list(model.metrics_names) if model is not None else _loss_names(found and found.loss, outputs)
        parameters = found.parameters if found is not None else []
        named = gradients.parts(found, name_of) if found is not None else []
        unfed = _unfed_inputs(model) if model is not None else []
        self.extra = [tensor for _, tensor in named] + [tensor for _, tensor in unfed]
        self._extra_names = [("gradient", name) for name, _ in named] + [("batch", name) for name, _ in unfed]
        self._details = self._make_details(found, model, outputs)
        self.fetched: List[Any] = [None] * len(self.extra)
        self._weights, self._state = _variables(model, found, parameters)
        self._tracked = FunctionVariables(watch)
        self._symbols: List[NamedValue] = []
        watch.say_hidden(found, model)

    def _make_details(
        self, found: Optional[gradients.AppliedGradients], model: Optional[Model], outputs: Any
    ) -> Optional[FetchedTensors]:
        """Return the tensors to fetch in the step that is inspected; None if no step is inspected."""
        details = self._watch.probe.details
        if details is None:
            return None
        results = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        results = [one for one in results if hasattr(one, "op")]
        parts = StepParts(results, [found] if found is not None else [], updates=())
        wanted = FetchedTensors(self._watch, details, ModelLayers(model), parts)
        self.extra += wanted.tensors
        self._extra_names += [("detail", "")] * len(wanted.tensors)
        return wanted

    # -- before the call --------------------------------------------------------------------------------------

    def before(self, function: Any, inputs: Sequence[Any]) -> None:
        """Record the first sign of a step and, before the first step of this function, its initial weights."""
        self._watch.trainers.step()
        self._watch.probe.begin()
        if not self._tracked.are_found:
            self._tracked.find(self._weights, self._state, self._watch.session_for(function, inputs))
        names = self._inputs or [str(position) for position in range(len(inputs))]
        tensors = self._add_inputs(names, inputs)
        if tensors and not self._symbols:
            self._fetch_symbols(function, tensors)

    def _fetch_symbols(self, function: Any, tensors: List[NamedValue]) -> None:
        """Fetch the tensors of the graph that a data set feeds: their values come back with the step that uses them."""
        self._symbols = tensors
        if not hasattr(function, "fetch_callbacks"):
            self._watch.say_hidden_point("batch")
            return
        self._extra_names += [("batch", name) for name, _ in tensors]
        first = len(self.fetched)
        self.fetched += [None] * len(tensors)
        fetch(function, [tensor for _, tensor in tensors], self.fetched, first)

    # -- after it ---------------------------------------------------------------------------------------------

    def after(self, function: Any, outputs: Any) -> None:
        """Record loss and metrics, gradients, weights and optimizer state: the step is over."""
        arrays = self._watch.arrays
        pairs = list(zip(self._extra_names, self.fetched))
        self.fetched[:] = [None] * len(self.fetched)
        for (kind, name), value in pairs:
            if kind == "batch":
                arrays.array(kind, name, value)
        self._add_outputs(self._outputs, outputs)
        for (kind, name), value in pairs:
            if kind == "gradient":
                arrays.array(kind, name, value)
        if self._details is not None and self._details.is_on():
            details = [value for (kind, _), value in pairs if kind == "detail"]
            self._details.add(details, *running(function, self._weights + self._state))
        self._tracked.add_updates(getattr(function, "_session", None))
        self._watch.end_step()


class Evaluation(_Called):
    """A call of a model's function for evaluation or prediction.

    It is a separate point, never a batch of the training.
    """

    _kind = "forward"

    def __init__(self, watch: "Keras2Watch", model: Model, role: str) -> None:
        _Called.__init__(self, watch)
        if role == "test":
            self._prefix = "evaluation/"
            self._inputs, self._outputs = _fed_names(model, "batch."), list(model.metrics_names)
        else:
            self._prefix = "prediction/"
            self._inputs = ["batch.%d" % i for i in range(len(model._feed_inputs))]
            self._outputs = ["%d" % i for i in range(len(model.outputs))]

    def before(self, function: Any, inputs: Sequence[Any]) -> None:
        """Record what is fed."""
        self._add_inputs(self._inputs, inputs)

    def after(self, function: Any, outputs: Any) -> None:
        """Record what came out."""
        self._add_outputs(self._outputs, outputs)


def _fed_names(model: Model, prefix: str = "") -> List[str]:
    """Return the names of what is fed: inputs, labels, sample weights.

    The learning phase comes last and has no name.
    """
    groups = (
        (prefix, model._feed_inputs),
        ("labels.", model._feed_targets),
        ("sample_weights.", model._feed_sample_weights),
    )
    return ["%s%d" % (start, i) for start, tensors in groups for i in range(len(tensors))]


def _loss_names(loss: Optional[Tensor], outputs: Any) -> List[str]:
    listed = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return ["loss" if output is loss else "output.%d" % i for i, output in enumerate(listed)]


def _unfed_inputs(model: Model) -> List[NamedValue]:
    """Return [(name, tensor)] of inputs that come from a tensor of the graph. They become outputs of the step."""
    fed = [id(tensor) for tensor in model._feed_inputs]
    return [(str(i), tensor) for i, tensor in enumerate(model.inputs) if id(tensor) not in fed]


def _variables(
    model: Optional[Model], found: Optional[gradients.AppliedGradients], parameters: List[Variable]
) -> Tuple[List[NamedValue], List[NamedValue]]:
    """Return ([(name, weight)], [(name, variable of the optimizer)]): everything that a step may change."""
    weights = list(model.weights) if model is not None else []
    known = {id(weight) for weight in weights}
    weights += [parameter for parameter in parameters if id(parameter) not in known]
    optimizer = model.optimizer if model is not None else found and found.optimizer
    return [(name_of(weight), weight) for weight in weights], state_of(optimizer, parameters)


def data_of(operations: Iterable[Operation]) -> List[NamedValue]:
    """Return [(name, tensor)] of the values that come from data sets and queues of the graph."""
    sources = [one for one in operations if one.type.startswith(("IteratorGetNext", "QueueDequeue"))]
    sources.sort(key=lambda operation: operation.name)
    return [(tensor.name.replace(":", "."), tensor) for source in sources for tensor in source.outputs]


# Further values from a session's function: through its list of `fetches` and the callbacks that go with it.


def fetch(function: Any, tensors: Iterable[Tensor], values: List[Any], first: int = 0) -> None:
    """Put the values of `tensors` into the list `values`, from `first` on, at each call of a GraphExecutionFunction."""
    for position, tensor in enumerate(tensors):
        function.fetches.append(tensor)
        following = function.fetch_callbacks.get(tensor)
        function.fetch_callbacks[tensor] = _Store(values, first + position, following)


class _Store:
    """Puts a fetched value into its place. The same tensor may be fetched twice."""

    def __init__(self, values: List[Any], position: int, following: Optional[Callable[[Any], Any]]) -> None:
        self._values, self._position, self._following = values, position, following

    def __call__(self, value: Any) -> None:
        self._values[self._position] = value
        if self._following is not None:
            self._following(value)
