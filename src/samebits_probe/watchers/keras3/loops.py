"""Training loops of the program's own: an optimizer applies gradients outside of any train function of Keras.

A step is one such call. The batch is what the outermost layer gets while gradients can be recorded. The losses are the
targets of gradients (TensorFlow's tapes show them).
"""

import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence

from ...wire import TRAINS_ELSEWHERE
from ...wrappers import wrap
from ..objects import Arguments, CallArguments, Function, Layer, NamedValue, Optimizer, Variable
from ..points import named_leaves
from . import models as keras3_models

if TYPE_CHECKING:
    from ..tensorflow.inspection import OperationInspection
    from ..tensorflow.tapes import Graphs
    from .functions import Keras3Watch


class Loops:
    """What the current step of a loop has shown so far, and the steps themselves.

    `graphs` (TensorFlow): takes over if a step is built into a graph, and has `is_building()` and `apply(optimizer,
    gradients, variables, run)`. `look` (TensorFlow): inspects one step, if that is wanted.
    """

    def __init__(self, watch: "Keras3Watch") -> None:
        self.watch = watch
        self.graphs: "Optional[Graphs]" = None
        self.look: "Optional[OperationInspection]" = None
        self.models: List[Layer] = []  # outermost layers of the step
        self._inside = False
        self._home, self._has_stepped = threading.main_thread().ident, False

    def is_off(self) -> bool:
        """Return whether a train function, an outermost layer or a different thread handles what happens now."""
        return self._inside or self.watch.probe.stepping is not None or self.is_elsewhere()

    def is_elsewhere(self) -> bool:
        """Return whether this is a different thread.

        Only the first thread that trains is watched (workers that load data call layers, too).
        """
        return threading.get_ident() != self._home

    def _is_mine(self) -> bool:
        """Return whether steps of this thread are watched."""
        if self.is_elsewhere():
            if self._has_stepped:
                self.watch.probe.not_observed(
                    TRAINS_ELSEWHERE, "optimizers are applied in several threads: one is watched"
                )
                return False
            self._home = threading.get_ident()
        self._has_stepped = True
        return True

    def called(self, layer: Layer, args: Arguments, kwargs: Dict[str, Any], call: Callable[[], Any]) -> Any:
        """Call an outermost layer for the program: record its input and, if it evaluates, its output."""
        self.watch.probe.guard("first values of a layer", self._begins, layer)
        self._inside = True
        try:
            result = call()
        finally:
            self._inside = False
        self.watch.probe.guard("call of a layer", self._called, layer, (args, kwargs), result)
        return result

    def _begins(self, layer: Layer) -> None:
        """Record the first values of a layer that is built, because a training call changes its averages."""
        building = self.graphs is not None and self.graphs.is_building()
        if (
            layer not in self.models
            and getattr(layer, "built", False)
            and not building
            and self.watch.backend.may_record()
        ):
            self.watch.lives.start(keras3_models.Variables(keras3_models.model_variables(layer), []).weights)

    def _called(self, layer: Layer, given: CallArguments, result: Any) -> None:
        backend = self.watch.backend
        named = named_leaves("", list(given[0]), backend.is_leaf)
        named += named_leaves("", {key: given[1][key] for key in given[1]}, backend.is_leaf)
        named = [(name, value) for name, value in named if backend.is_tensor(value)]
        if self.graphs is not None and self.graphs.is_building():
            self.graphs.called(layer, named)
        elif not backend.may_record():
            self._evaluated(result)
        elif all(backend.is_concrete(value) for _, value in named):
            self._begin(layer)
            self.watch.record("batch", named)

    def _evaluated(self, result: Any) -> None:
        named = named_leaves("", result, self.watch.backend.is_leaf)
        if all(self.watch.backend.is_concrete(value) for _, value in named):
            self.watch.record("forward", [("evaluation/" + name, value) for name, value in named])

    def _begin(self, layer: Layer) -> None:
        self.watch.probe.begin()
        self.see(layer)

    def see(self, layer: Layer) -> None:
        """Note a model of this step: record its first weights, and follow it to its last."""
        watch = self.watch
        if layer not in self.models:
            self.models.append(layer)
        variables = keras3_models.Variables(keras3_models.model_variables(layer), [])
        watch.lives.start(variables.weights)
        watch.remains.follow()

    def lost(self, target: Any) -> None:
        """Note that the program asks for gradients of `target`. If `target` is one number, it is the loss."""
        watch, backend = self.watch, self.watch.backend
        if self.graphs is not None and self.graphs.is_building():
            self.graphs.lost(target)
            return
        named = named_leaves("loss", target, backend.is_leaf)
        if all(backend.is_concrete(value) for _, value in named):
            watch.probe.begin()
            watch.record("forward", named)

    def apply(
        self, optimizer: Optimizer, gradients: List[NamedValue], variables: Sequence[Variable], run: Callable[[], Any]
    ) -> Any:
        """Record a step: an optimizer applies gradients outside of a train function."""
        if self.watch.probe.stepping is not None or not self._is_mine():
            return run()
        self.watch.probe.optimizer_seen = True
        if self.graphs is not None and self.graphs.is_building():
            return self.graphs.apply(optimizer, gradients, variables, run)
        backend, guard = self.watch.backend, self.watch.probe.guard
        if not all(backend.is_concrete(value) for _, value in gradients):
            self.watch.probe.not_observed("steps", "an optimizer is applied inside a function that JAX transforms")
            return run()
        guard("before an optimizer step", self._before, gradients, variables)
        result = run()
        guard("after an optimizer step", self._after, optimizer, variables)
        return result

    def _before(self, gradients: List[NamedValue], variables: Sequence[Variable]) -> None:
        watch = self.watch
        if self.look is not None:
            self.look.applies()
        watch.probe.once("observed-by", how="apply")
        watch.probe.begin()
        watch.lives.start(keras3_models.named(variables))
        for model in self.models:
            watch.variables("rng", keras3_models.Variables(keras3_models.model_variables(model), []).seeds)
        watch.record("gradient", gradients)

    def _after(self, optimizer: Optimizer, variables: Sequence[Variable]) -> None:
        owned = self.owned(optimizer, variables)
        self.watch.variables("update", owned.weights)
        self.watch.variables("update", owned.optimizers)
        self.watch.remains.follow()
        del self.models[:]
        self.watch.probe.end_step()

    def owned(
        self, optimizer: Optimizer, variables: Sequence[Variable], models: Optional[Sequence[Layer]] = None
    ) -> "keras3_models.Variables":
        """Return the variables that a step can change: of its models, of its arguments, and of the optimizer."""
        found = [
            one for model in (self.models if models is None else models) for one in keras3_models.model_variables(model)
        ]
        return keras3_models.Variables(found + list(variables), [optimizer])


def wrap_layers(layer_class: Any, loops: "Loops") -> None:
    """Wrap `Layer.__call__`. Only outermost calls outside of train functions are recorded."""

    def make(original: Function) -> Function:
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
            if loops.is_off() or keras3_models.is_symbolic(args, kwargs):
                return original(self, *args, **kwargs)
            return loops.called(self, args, kwargs, lambda: original(self, *args, **kwargs))

        return __call__

    wrap(layer_class, "__call__", make)
