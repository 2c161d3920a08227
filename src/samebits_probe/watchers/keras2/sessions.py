"""Watches loops of `session.run(train_op, ...)`: a run that applies gradients is a step.

Gradients, the loss and what comes from a data set are fetched by the same run. Nothing is added to the graph.
"""

import functools
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Set

from ..objects import Graph, Operation, Session, Tensor
from ..tensorflow.operations import ancestors
from . import gradients
from .layer_inspection import FetchedTensors, Scopes, StepParts
from .steps import data_of
from .variables import FunctionVariables, name_of, state_of

if TYPE_CHECKING:
    from .watcher import Keras2Watch

_KEPT = 256  # sets of fetches remembered for each graph
_RUNS = "_samebits_runs"  # attribute of a graph: ids of the fetches -> (the fetches, _SessionStep or None)


class Sessions:
    """Distinguishes runs that train from others."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch

    def wrap(self, session_class: Any) -> None:
        """Wrap `run` of a session class."""
        original = session_class.run

        @functools.wraps(original)
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

        session_class.run = run

    def _step_of(self, session: Session, fetches: Any) -> "Optional[_SessionStep]":
        graph = session.graph
        if not gradients.all_of(graph):
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
        applied = [found for found in gradients.all_of(graph) if found.operations() & operations]
        return _SessionStep(self._watch, applied, operations, graph) if applied else None


class _SessionStep:
    """A run of one set of fetches."""

    def __init__(
        self, watch: "Keras2Watch", applied: List[gradients.AppliedGradients], operations: Set[Operation], graph: Graph
    ) -> None:
        self._watch, self._applied, self._graph = watch, applied, graph
        named = [("batch", name, tensor) for name, tensor in data_of(operations)]
        losses = [found.loss for found in applied if found.loss is not None]
        named += [("forward", "loss" if i == 0 else "loss.%d" % i, loss) for i, loss in enumerate(losses)]
        for found in applied:
            named += [("gradient", name, tensor) for name, tensor in gradients.parts(found, name_of)]
        self._named = [(kind, name) for kind, name, _ in named]
        self.extra = [tensor for _, _, tensor in named]
        self._tracked: FunctionVariables  # there from the first run on
        self._is_tracked = False
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
        if not self._is_tracked:
            self._tracked = self._track(session)
            self._is_tracked = True
        fed = [(_label(tensor), value) for tensor, value in (feeds or {}).items()]
        watch.add_all("batch", sorted(fed, key=lambda pair: pair[0]))

    def _track(self, session: Session) -> FunctionVariables:
        parameters = list({id(p): p for found in self._applied for p in found.parameters}.values())
        state = [item for found in self._applied for item in state_of(found.optimizer, found.parameters)]
        known = {id(variable) for _, variable in state} | {id(parameter) for parameter in parameters}
        others = [variable for variable in self._graph.get_collection("variables") if id(variable) not in known]
        try:
            return FunctionVariables(self._watch, [(name_of(v), v) for v in parameters + others], state, session)
        except Exception:  # the program never initialises a variable: then record only those that this step trains
            return FunctionVariables(self._watch, [(name_of(v), v) for v in parameters], state, session)

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
