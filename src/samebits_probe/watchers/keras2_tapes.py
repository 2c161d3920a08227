"""Watches loops with `GradientTape` outside of functions: an optimizer that is given eager gradients steps at once."""
import weakref

from .keras2_gradients import Found, parts
from .keras2_tracked import Tracked
from .keras2_variables import name_of, state_of


class Tapes:
    """The optimizers of one class."""

    def __init__(self, watch):
        self._watch = watch
        self._steps = weakref.WeakKeyDictionary()  # optimizer -> _TapeStep

    def before(self, optimizer, pairs):
        """An optimizer is about to step. Returns a step whose `after()` is to be called, or None."""
        found = Found(optimizer, [gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        if self._watch.looping:  # the loop of tf.keras counts this step
            self._watch.eager_gradients = found
            return None
        step = self._steps.get(optimizer)
        if step is None:
            step = self._steps[optimizer] = _TapeStep(self._watch)
        step.before(found)
        return step


class _TapeStep:
    """The steps of one optimizer."""

    def __init__(self, watch):
        self._watch = watch
        self._tracked, self._known = None, None
        self._found = None

    def before(self, found):
        """Initial weights where they are new, and the gradients."""
        watch = self._watch
        watch.probe.begin()
        watch.say_hidden_point("batch of a loop")
        self._found = found
        if self._tracked is None:
            self._tracked = Tracked(watch, *_variables(found), session=None)
        watch.add_all("gradient", parts(found, name_of))

    def after(self):
        """Weights and state: the step is over."""
        found, self._found = self._found, None
        weights, state = _variables(found)
        known = [id(variable) for _, variable in weights + state]
        if known != self._known:
            self._tracked.grow(weights, state)
            self._known = known
        self._tracked.add_updates(None)
        self._watch.end_step("apply")


def _variables(found):
    weights = [(name_of(parameter), parameter) for parameter in found.parameters]
    return weights, state_of(found.optimizer, found.parameters)
