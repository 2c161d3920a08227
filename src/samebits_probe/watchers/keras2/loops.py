"""Watches the training loop of `tf.keras` in TensorFlow 2.1, and loops that run a session in 1.14 and 2.1.

The loop of `tf.keras` traces a separate function for each model. This function returns its losses in a dictionary. The
batch and the gradients come back as further values of this dictionary, and are removed before the loop sees them. So
only return values are added to the trace.
"""

import functools
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ...wrappers import after, wrap
from ..objects import Function, Graph, Library, Model, NamedValue, Operation, Reference, Session, Tensor
from ..tensorflow.operations import ancestors
from ..tensorflow.variables import module_of
from . import gradients as keras2_gradients
from .layer_inspection import FetchedTensors, Scopes, StepParts
from .steps import data_of
from .variables import FunctionVariables, name_of, state_of

if TYPE_CHECKING:
    from .watcher import Keras2Watch

TraceNames = Tuple[List[str], List[str]]  # of a batch's parts, of gradients

_EXTRA = "_samebits"  # key in the dictionary of outputs: [batch tensors, gradient tensors]


def install(watch: "Keras2Watch") -> None:
    """Wrap the loop's modules if this TensorFlow has them."""
    try:
        utils = module_of("keras.engine.training_v2_utils")
    except ImportError:  # TensorFlow 1.14 trains through functions of the graph
        return
    loops = FunctionLoops(watch, module_of("framework.ops"))
    eager = module_of("keras.engine.training_eager")
    wrap(eager, "train_on_batch", loops.tracing)
    after(module_of("keras.distribute.distributed_training_utils"), "unwrap_output_dict", _pass_on)
    for name in ("_make_execution_function", "_make_on_batch_function"):
        wrap(utils, name, loops.making)


def _pass_on(outputs: Any, strategy: Any, grouped_outputs: Any, *_: Any, **__: Any) -> None:
    """Pass our values on to the new dictionary that `unwrap_output_dict` makes, if there is one replica."""
    if isinstance(grouped_outputs, dict) and _EXTRA in grouped_outputs and strategy.num_replicas_in_sync == 1:
        outputs[_EXTRA] = grouped_outputs[_EXTRA]


class FunctionLoops:
    """Observes the traced functions of each model."""

    def __init__(self, watch: "Keras2Watch", ops: Library) -> None:
        self._watch, self._ops = watch, ops
        # model -> ([batch names], [gradient names]) of its newest trace
        self._names: "weakref.WeakKeyDictionary[Model, TraceNames]" = weakref.WeakKeyDictionary()

    # -- while the function is traced -------------------------------------------------------------------------

    def tracing(self, original: Function) -> Function:
        """Wrap `training_eager.train_on_batch`, so that its dictionary gets the batch and the gradients."""

        def train_on_batch(
            model: Model, inputs: Any, targets: Any, sample_weights: Any = None, output_loss_metrics: Any = None
        ) -> Any:
            since = keras2_gradients.now()
            self._watch.looping = True
            try:
                outputs = original(model, inputs, targets, sample_weights, output_loss_metrics)
            finally:
                self._watch.looping = False
            fed = ("", inputs), ("labels.", targets), ("sample_weights.", sample_weights)
            extra = self._watch.probe.guard("tf.keras gradients", self._extra, model, fed, since)
            if extra is not None and isinstance(outputs, dict):
                outputs[_EXTRA] = extra
            return outputs

        return train_on_batch

    def _extra(self, model: Model, fed: Iterable[NamedValue], since: int) -> List[List[Tensor]]:
        batch = [
            (prefix + str(i), tensor)
            for prefix, tensors in fed
            for i, tensor in enumerate(self._watch.flatten(tensors if tensors is not None else []))
            if tensor is not None
        ]
        graph = self._graph()
        found = self._watch.eager_gradients or keras2_gradients.newest_since(since, graph)
        self._watch.eager_gradients = None
        gradients = keras2_gradients.parts(found, name_of) if found is not None else []
        if found is None:
            self._watch.say_hidden(None, None)
        self._watch.say_random(graph.get_operations() if graph is not None else ())
        self._names[model] = [name for name, _ in batch], [name for name, _ in gradients]
        return [[tensor for _, tensor in batch], [tensor for _, tensor in gradients]]

    def _graph(self) -> Optional[Graph]:
        return self._ops.get_default_graph() if self._ops.inside_function() else None

    # -- when it is called ------------------------------------------------------------------------------------

    def making(self, original: Function) -> Function:
        """Wrap the method that makes a model's functions, so that each call of these is observed."""

        def make(model: Model, mode: Any) -> Function:
            function = original(model, mode)
            reference = weakref.ref(model)
            if getattr(mode, "value", mode) == "train":
                return self._training(function, reference)
            return self._evaluating(function, reference, getattr(mode, "value", mode))

        return make

    def _training(self, function: Function, reference: Reference) -> Function:
        step = _LoopStep(self._watch, reference, self._names)

        @functools.wraps(function)
        def execution_function(*args: Any, **kwargs: Any) -> Any:
            self._watch.probe.guard("tf.keras step", step.before)
            outputs = function(*args, **kwargs)
            extra = outputs.pop(_EXTRA, None)
            self._watch.probe.guard("tf.keras step", step.after, outputs, extra)
            return outputs

        return execution_function

    def _evaluating(self, function: Function, reference: Reference, mode: Any) -> Function:
        @functools.wraps(function)
        def execution_function(*args: Any, **kwargs: Any) -> Any:
            outputs = function(*args, **kwargs)
            self._watch.probe.guard("tf.keras evaluation", self._add_evaluation, outputs, reference(), mode)
            return outputs

        return execution_function

    def _add_evaluation(self, outputs: Any, model: Model, mode: Any) -> None:
        if isinstance(outputs, dict):
            named = _results(outputs, model)
            prefix = "evaluation/"
        else:
            named = [("%d" % i, value) for i, value in enumerate(self._watch.flatten(outputs))]
            prefix = "prediction/"
        self._watch.add_all("forward", [(prefix + name, value) for name, value in named])


def _results(outputs: Dict[str, Any], model: Model) -> List[NamedValue]:
    """Return [(name, value)] of a dictionary of losses and metrics."""
    values = outputs["total_loss"] + outputs["output_losses"] + outputs["metrics"]
    names = list(model.metrics_names)
    return [(names[i] if i < len(names) else "output.%d" % i, value) for i, value in enumerate(values)]


class _LoopStep:
    """One call of a model's traced training function."""

    def __init__(
        self, watch: "Keras2Watch", reference: Reference, names: "weakref.WeakKeyDictionary[Model, TraceNames]"
    ) -> None:
        self._watch, self._reference, self._names = watch, reference, names
        self._tracked = FunctionVariables(watch)
        self._slots: Optional[int] = None

    def before(self) -> None:
        """Record the first sign of a step and, before the first step, the initial weights."""
        self._watch.probe.begin()
        if not self._tracked.are_found:
            model = self._reference()
            if not model.built:
                self._watch.say_hidden_point("start")
            self._tracked.find(*_variables(model), session=None)

    def after(self, outputs: Any, extra: Optional[List[List[Tensor]]]) -> None:
        """Record batch, losses, gradients, weights and state: the step is over."""
        model, watch = self._reference(), self._watch
        batch, gradients = self._names.get(model, ([], []))
        values = extra or [[], []]
        watch.add_all("batch", zip(batch, values[0]))
        watch.add_all("forward", _results(outputs, model))
        watch.add_all("gradient", zip(gradients, values[1]))
        slots = len(getattr(model.optimizer, "_weights", ()))
        if slots != self._slots:  # the first step made them, and also the weights of a model that was not built
            self._tracked.grow(*_variables(model))
            self._slots = slots
        self._tracked.add_updates(None)
        watch.end_step()


def _variables(model: Model) -> Tuple[List[NamedValue], List[NamedValue]]:
    """Return ([(name, weight)], [(name, variable of the optimizer)]) that exist already."""
    weights = list(model.weights) if model.built else []
    return [(name_of(weight), weight) for weight in weights], state_of(model.optimizer, weights)


# -- loops of `session.run(train_op, ...)`: a run that applies gradients is a step ------------------------------------
# Gradients, the loss and what comes from a data set are fetched by the same run. Nothing is added to the graph.

_KEPT = 256  # sets of fetches remembered for each graph
_RUNS = "_samebits_runs"  # attribute of a graph: ids of the fetches -> (the fetches, _SessionStep or None)


class Sessions:
    """Distinguishes runs that train from others."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch

    def wrap(self, session_class: Any) -> None:
        """Wrap `run` of a session class."""
        wrap(session_class, "run", self._running)

    def _running(self, original: Function) -> Function:
        def run(session: Session, fetches: Any, *args: Any, **kwargs: Any) -> Any:
            step = self._watch.probe.guard("session", self._step_of, session, fetches)
            if step is None:
                return original(session, fetches, *args, **kwargs)
            feeds = args[0] if args else kwargs.get("feed_dict")
            self._watch.probe.guard("session step", step.before, session, feeds)
            extra = step.extra + step.looked_at()
            values = original(session, {"program": fetches, "probe": extra}, *args, **kwargs)
            self._watch.probe.guard("session step", step.after, session, values["probe"])
            return values["program"]

        return run

    def _step_of(self, session: Session, fetches: Any) -> "Optional[_SessionStep]":
        graph = session.graph
        if not keras2_gradients.all_of(graph):
            return None
        leaves = [leaf for leaf in self._watch.flatten(fetches) if leaf is not None]
        key = tuple(id(leaf) for leaf in leaves)
        runs = graph.__dict__.setdefault(_RUNS, {})
        if key not in runs:
            if len(runs) >= _KEPT:
                runs.clear()
            runs[key] = leaves, self._make_step(graph, leaves)
        found: "Optional[_SessionStep]" = runs[key][1]
        return found

    def _make_step(self, graph: Graph, leaves: List[Any]) -> "Optional[_SessionStep]":
        elements = [graph.as_graph_element(leaf, allow_tensor=True, allow_operation=True) for leaf in leaves]
        operations = ancestors(elements)
        applied = [found for found in keras2_gradients.all_of(graph) if found.operations() & operations]
        return _SessionStep(self._watch, applied, operations, graph) if applied else None


class _SessionStep:
    """A run of one set of fetches."""

    def __init__(
        self,
        watch: "Keras2Watch",
        applied: List[keras2_gradients.AppliedGradients],
        operations: Set[Operation],
        graph: Graph,
    ) -> None:
        self._watch, self._applied, self._graph = watch, applied, graph
        named = [("batch", name, tensor) for name, tensor in data_of(operations)]
        losses = [found.loss for found in applied if found.loss is not None]
        named += [("forward", "loss" if i == 0 else "loss.%d" % i, loss) for i, loss in enumerate(losses)]
        for found in applied:
            named += [("gradient", name, tensor) for name, tensor in keras2_gradients.parts(found, name_of)]
        self._named = [(kind, name) for kind, name, _ in named]
        self.extra = [tensor for _, _, tensor in named]
        self._tracked = FunctionVariables(watch)
        self._details: Optional[FetchedTensors] = None
        self._running: Iterable[Operation] = ()
        details = watch.probe.details
        if details is not None:
            self._details = FetchedTensors(watch, details, Scopes(graph), StepParts(losses, applied, operations))
            self._running = operations
        if not losses:
            watch.say_hidden_point("loss of a session")
        watch.say_random(operations)

    def looked_at(self) -> List[Tensor]:
        """Return the tensors to fetch. Only the step that is inspected has any."""
        return self._details.tensors if self._details is not None and self._details.is_on() else []

    def before(self, session: Session, feeds: Optional[Dict[Any, Any]]) -> None:
        """Record what is fed and, before the first run, the initial weights."""
        watch = self._watch
        watch.probe.begin()
        if not self._tracked.are_found:
            self._find(session)
        fed = [(_label(tensor), value) for tensor, value in (feeds or {}).items()]
        watch.add_all("batch", sorted(fed, key=lambda pair: pair[0]))

    def _find(self, session: Session) -> None:
        parameters = list({id(p): p for found in self._applied for p in found.parameters}.values())
        state = [item for found in self._applied for item in state_of(found.optimizer, found.parameters)]
        known = {id(variable) for _, variable in state} | {id(parameter) for parameter in parameters}
        others = [variable for variable in self._graph.get_collection("variables") if id(variable) not in known]
        try:
            self._tracked.find([(name_of(v), v) for v in parameters + others], state, session)
        except Exception:  # the program never initialises a variable: then record only those that this step trains
            self._tracked.find([(name_of(v), v) for v in parameters], state, session)

    def after(self, session: Session, values: Sequence[Any]) -> None:
        """Record loss, gradients, weights and state: the step is over."""
        for (kind, name), value in zip(self._named, values):
            self._watch.add_all(kind, [(name, value)])
        if self._details is not None and self._details.is_on():
            self._details.add(values[len(self._named) :], self._running, {})
        self._tracked.add_updates(session)
        self._watch.end_step("apply")


def _label(tensor: Any) -> str:
    """Return a placeholder's name, without the output number."""
    name = getattr(tensor, "name", str(tensor))
    return name[:-2] if name.endswith(":0") else name
