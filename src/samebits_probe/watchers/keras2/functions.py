"""The functions that Keras makes from a graph: which of them train, and what is observed at each call.

`GraphExecutionFunction` (sessions) and `EagerExecutionFunction` (TensorFlow 2) are wrapped in their classes, so that
the program keeps the very objects that Keras made. Gradients come back as further outputs of the program's own
function. A session's function has a list of `fetches` for that. The other function is built with more outputs, which
are removed before the program sees them.

`OldTensorFlow` has the parts of TensorFlow 1.14 and 2.1 that the watcher of Keras 2 uses, found in the modules that are
loaded.
"""

import functools
import threading
from typing import TYPE_CHECKING, Any, Optional

from ...wrappers import after, before, guarded, wrap
from ..objects import Function, Library, Model
from ..remains import tell_after
from ..tensorflow.variables import module_of
from . import gradients
from .steps import Evaluation, OptimizerCall, fetch
from .variables import last_of

if TYPE_CHECKING:
    from .watcher import Keras2Watch

_WATCHED = "_samebits_watched"  # attribute of a function: the Step or Evaluation that observes it


class Functions:
    """Knows what is being built now, and wraps the two classes of a backend module."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        self._building = threading.local()

    def wrap_backend(self, backend: Library) -> None:
        """Wrap the classes of a `tensorflow.python.keras.backend` module."""
        graph, eager = backend.GraphExecutionFunction, backend.EagerExecutionFunction
        after(graph, "__init__", guarded(self._watch.probe, "keras function", self._add_fetches))
        wrap(graph, "__call__", self._call)
        wrap(eager, "__init__", self._eager_init)
        wrap(eager, "__call__", self._call)

    # -- building ---------------------------------------------------------------------------------------------

    def wrap_model(self, model_class: Any) -> None:
        """Wrap the methods that make the functions of a model class: for training, evaluation and prediction."""
        wrap(model_class, "_make_train_function", self._making_train)
        for role in ("test", "predict"):
            after(model_class, "_make_%s_function" % role, functools.partial(self._made, role))

    def _making_train(self, original: Function) -> Function:
        def _make_train_function(model: Model, *args: Any, **kwargs: Any) -> Any:
            previous = getattr(self._building, "model", None)
            self._building.model, self._building.since = model, gradients.now()
            overridden = self._watch.probe.guard("keras optimizer", self._watch.own_gradients, model)
            try:
                return original(model, *args, **kwargs)
            finally:
                self._building.model = previous
                if overridden:
                    model.optimizer.__dict__.pop("get_gradients", None)

        return _make_train_function

    def _made(self, role: str, _: Any, model: Model, *__: Any, **___: Any) -> None:
        """Mark the function that a model has made. `role`: "test" or "predict"."""
        function = getattr(model, "%s_function" % role, None)
        if function is not None and _WATCHED not in getattr(function, "__dict__", {_WATCHED: 0}):
            evaluation = self._watch.probe.guard("keras evaluation", Evaluation, self._watch, model, role)
            setattr(function, _WATCHED, evaluation)

    def _plan(self, outputs: Any, updates: Any, is_eager: bool = False) -> Optional[OptimizerCall]:
        """Return an `OptimizerCall` for a function that applies gradients, else None."""
        if not updates or outputs is None:
            return None
        model = getattr(self._building, "model", None)
        found = gradients.find(updates)
        if found is None and model is not None:
            graph = getattr(model.total_loss, "graph", None)
            found = gradients.newest_since(self._building.since, graph)
        if found is None and model is None:
            return None
        if found is not None and is_eager and found.as_outputs() is not found:
            found = found.as_outputs()
            self._watch.say_hidden_point("gradient after clipping")
        return OptimizerCall(self._watch, found, model, outputs)

    def _add_fetches(
        self, _: None, function: Any, inputs: Any, outputs: Any, updates: Any = None, *__: Any, **___: Any
    ) -> None:
        """Fetch the values of a step. The further arguments are those of a function of a session."""
        step = self._plan(outputs, updates)
        if step is not None:
            fetch(function, step.extra, step.fetched)
            setattr(function, _WATCHED, step)

    def _eager_init(self, original: Function) -> Function:
        def __init__(function: Any, inputs: Any, outputs: Any, updates: Any = None, *args: Any, **kwargs: Any) -> None:
            step = self._watch.probe.guard("keras function", self._plan, outputs, updates, True)
            if step is None:
                original(function, inputs, outputs, updates, *args, **kwargs)
                return
            original(function, inputs, [outputs, step.extra], updates, *args, **kwargs)
            step.takes_outputs = True
            setattr(function, _WATCHED, step)

        return __init__

    # -- calling ----------------------------------------------------------------------------------------------

    def _call(self, original: Function) -> Function:
        guard = self._watch.probe.guard

        def __call__(function: Any, inputs: Any) -> Any:
            watched = function.__dict__.get(_WATCHED)
            if watched is None:
                return original(function, inputs)
            guard("keras step", watched.before, function, inputs)
            outputs = original(function, inputs)
            if watched.takes_outputs:
                outputs, watched.fetched[:] = outputs
            guard("keras step", watched.after, function, outputs)
            return outputs

        return __call__


# -- the TensorFlow of this process -----------------------------------------------------------------------------------


class OldTensorFlow:
    """Functions and classes of the TensorFlow in this process."""

    def __init__(self) -> None:
        self.backend = module_of("keras.backend")
        self._context = module_of("eager.context")
        self._ops = module_of("framework.ops")
        self.read_variable = module_of("ops.gen_resource_variable_ops").read_variable_op
        self.is_tensor = module_of("framework.tensor_util").is_tensor
        self.flatten = module_of("util.nest").flatten
        self.eager_mode = self._context.eager_mode

    def wrap(self, watch: "Keras2Watch") -> None:
        """Wrap the functions that every Keras on this TensorFlow uses."""
        watch.functions.wrap_backend(self.backend)
        session = module_of("client.session").BaseSession  # when it dies, it closes itself
        tell_after(session, "__init__", lambda one: watch.remains.add(one, last_of))
        before(session, "close", watch.remains.died)

    def random_state(self) -> bytes:
        """Return the bytes that decide the seeds of operations made from now on."""
        graph = self._ops.get_default_graph()
        context = self._context.context()
        state = [graph.seed, graph._last_id]
        if context.executing_eagerly():
            generator = getattr(context, "_rng", None)
            state = [context._seed, generator.getstate() if generator is not None else None]
        return repr(state).encode()
