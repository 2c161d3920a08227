"""Watches loops with `GradientTape` outside of functions: an optimizer that gets eager gradients steps at once."""

import functools
import weakref
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

from ..objects import NamedValue, Optimizer
from .gradients import AppliedGradients, Pair, graph_of, parts, tensor_of
from .variables import FunctionVariables, name_of, state_of

if TYPE_CHECKING:
    from .watcher import Keras2Watch


class Tapes:
    """The optimizers of one class."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        self._steps: "weakref.WeakKeyDictionary[Optimizer, _TapeStep]" = (
            weakref.WeakKeyDictionary()
        )  # optimizer -> _TapeStep

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

    def after(self, step: "_TapeStep") -> None:
        """End the step that `before` returned. The optimizer has made it."""
        step.after()

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
        original = tape_class.gradient

        @functools.wraps(original)
        def gradient(tape: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            if hasattr(target, "_numpy") and not self._watch.looping:
                self._watch.probe.guard("loss", self._add_loss, target)
            return original(tape, target, *args, **kwargs)

        tape_class.gradient = gradient

    def _add_loss(self, target: Any) -> None:
        self._watch.probe.begin()
        self._watch.add_all("forward", [("loss", target)])


class _TapeStep:
    """The steps of one optimizer."""

    def __init__(self, watch: "Keras2Watch") -> None:
        self._watch = watch
        self._tracked: FunctionVariables  # there from the first step on
        self._is_tracked = False
        self._known: Optional[List[int]] = None
        self._found: AppliedGradients  # while a step runs

    def before(self, found: AppliedGradients) -> None:
        """Record the initial weights if they are new, and the gradients."""
        watch = self._watch
        watch.probe.begin()
        watch.say_hidden_point("batch of a loop")
        self._found = found
        if not self._is_tracked:
            self._tracked = FunctionVariables(watch, *_variables(found), session=None)
            self._is_tracked = True
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
