"""Keras 3 on JAX: the state goes through the train step, which returns batch, loss and gradients in addition to its
logs.
"""

import contextlib
import functools
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ..jax import arrays
from ..objects import Arguments, Array, Function, Library, Model, Pytree, Variable
from ..points import named_batch
from . import checked_step, functions
from . import loops as keras3_loops
from .collection import CollectionHooks, StepCollection
from .functions import Keras3Watch

Layout = List[Tuple[str, str]]  # kind and name of each further output

_KEY = "samebits:"
_NOT_INSPECTED = "Layers and operators inside a step of Keras on JAX are not seen."


class Jax(arrays.Arrays):
    """Reads variables from the state of the step if there is one, because Keras empties variables while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Dict[int, Any] = {}  # id of a variable -> its value

    def read(self, variable: Variable) -> Optional[Array]:
        """Return a variable's value as an array; None if it has none now."""
        value = self.state.get(id(variable))
        value = getattr(variable, "_value", variable) if value is None else value
        if value is None or (isinstance(value, self.jax.Array) and not self.has_value(value)):
            return None
        return self.array(value)

    def reader(self, variables: Sequence[Variable]) -> Callable[[], List[Optional[Array]]]:
        """Return function() -> [array], which reads many variables."""
        return lambda: [self.read(variable) for variable in variables]


class TracedStep:
    """Replaces a model's `train_step` while it is traced: returns its logs and samebits' values."""

    def __init__(self, watch: Keras3Watch, hooks: CollectionHooks, model: Model) -> None:
        self.watch, self.hooks, self.model, self.original = watch, hooks, model, model.train_step
        self.layouts: List[Layout] = []  # [[(kind, name)]]

    def function(self) -> Function:
        @functools.wraps(self.original)
        def train_step(state: Pytree, data: Pytree) -> Tuple[Any, Pytree]:
            collected = StepCollection(lambda _: None)
            logs, state = self.hooks.collecting(collected, self.original, state, data)
            extras = self.watch.probe.guard("train step of keras", self._extras, collected, state)
            return (logs if extras is None else (logs, extras)), state

        return train_step

    def _extras(self, collected: StepCollection, state: Pytree) -> Dict[str, Tuple[Any, ...]]:
        """Return {key of the layout: values} that the step's own trace can return."""
        layout, values = [], []
        level = self._level(state)
        named = [("forward", "loss", collected.loss)] if collected.loss is not None else []
        named += [("gradient", name, value) for one in collected.applied for name, value in one.gradients]
        for kind, name, value in named:
            if self._level([value]) is level:
                layout.append((kind, name))
                values.append(value)
            else:
                self.watch.probe.not_observed(kind, "%s is computed inside a transformed function of the step" % name)
        if layout not in self.layouts:
            self.layouts.append(layout)
        return {_KEY + str(self.layouts.index(layout)): tuple(values)}

    def _level(self, values: Pytree) -> Any:
        """Return the trace that values belong to: None for concrete ones."""
        backend = self.watch.backend
        for value in backend.jax.tree_util.tree_leaves(values):
            if backend.is_tracer(value):
                return value._trace
        return None


class JaxFunction(functions.TrainFunction):
    """One step on JAX: (state, data) to (logs, state). `steps_per_execution` calls it again and again."""

    def __init__(self, watch: Keras3Watch, step: TracedStep) -> None:
        super().__init__(watch, step)
        self._lists: Optional[List[List[Variable]]] = None

    def wrap(self, function: Function) -> Function:
        """Return the watched function. It checks that the added outputs change nothing."""
        return super().wrap(checked_step.CheckedStep(self.watch, function, self._split))

    @contextlib.contextmanager
    def made_from(self, trainer: Any) -> Iterator[None]:
        """Wrap each step function that goes into the train function, if the trainer has a method for that."""
        self.has_wrapped_steps = "_make_function" in vars(trainer)
        own, make = self.step.model.__dict__, getattr(self.step.model, "_make_function", None)
        if not self.has_wrapped_steps or make is None:
            yield
            return
        own["_make_function"] = lambda step, *args, **kwargs: make(self.wrap(step), *args, **kwargs)
        try:
            yield
        finally:
            del own["_make_function"]

    def before(self, arguments: Arguments) -> None:
        state, data = arguments
        if self.watch.probe.details is not None and self.watch.probe.details.is_on():
            self.watch.probe.details.note(_NOT_INSPECTED)
        self.watch.record("batch", named_batch(data, self.watch.backend.is_leaf))

    def begin(self, arguments: Arguments) -> None:
        self._adopt(arguments[0])

    def given(self, result: Any) -> Any:
        logs, state = result
        return self._split(logs)[0], state

    def after(self, result: Any, _before: Any) -> None:
        logs, state = result
        logs, layout, values = self._split(logs)
        self._adopt(state)
        for (kind, name), value in zip(layout, values):
            self.watch.record(kind, [(name, value)])
        self.watch.record("forward", functions.metrics(self.watch, logs, "", ("forward", "loss") in layout))
        self.model.updates()
        self.watch.backend.state.clear()
        self.watch.probe.end_step()

    def _adopt(self, state: Pytree) -> None:
        """Read variables from a state from now on: (trainable, others, the optimizer's, the metrics')."""
        if self._lists is None:
            model = self.step.model
            own = model.optimizer.variables if model.optimizer is not None else []
            self._lists = [list(model.trainable_variables), list(model.non_trainable_variables), list(own)]
        adopted = self.watch.backend.state
        for variables, values in zip(self._lists, state):
            adopted.update(zip(map(id, variables), values))

    def _split(self, logs: Pytree) -> Tuple[Pytree, Layout, Sequence[Any]]:
        """Return (the logs of the program's step, layout, values)."""
        if isinstance(logs, tuple) and len(logs) == 2 and isinstance(logs[1], dict) and len(logs[1]) == 1:
            key, values = next(iter(logs[1].items()))
            if isinstance(key, str) and key.startswith(_KEY):
                return logs[0], self.step.layouts[int(key[len(_KEY) :])], values
        return logs, [], ()


def loops(keras: Library, watch: Keras3Watch) -> keras3_loops.Loops:
    """Return the training loops of the program's own."""
    found = keras3_loops.Loops(watch)
    keras3_loops.wrap_layers(keras.layers.Layer, found)
    return found


def install(trainer: Any, watch: Keras3Watch, hooks: CollectionHooks) -> None:
    """Wrap the functions that a trainer makes."""
    functions.wrap_train_maker(trainer, watch, lambda model: TracedStep(watch, hooks, model), JaxFunction)
    functions.wrap_evaluation_makers(trainer, watch, lambda result: result[0])
