"""What `samebits locate` looks at in eager loops on TensorFlow 1.14 and 2.1: layers, and on 2.1 operations."""

import functools
import importlib.util

from ..tensorflow.layers import LayerStack, libraries


class EagerInspection:
    """The look at the eager loops of one process. `tapes`: the watcher of their steps."""

    def __init__(self, watch, tapes):
        self._watch, self._details = watch, watch.probe.details
        self._running = LayerStack()
        self._eager = None
        if self._details.level == "operator" and _has_callbacks():
            from ..tensorflow.eager import EagerOperations

            parts = {"described": self._described, "fingerprint": lambda tensor: self._print(tensor._numpy()).hex()}
            self._eager = EagerOperations(watch.probe, self._running, (libraries(),), **parts)
            tapes.before, tapes.after = self._before(tapes.before), self._eager.unseen(tapes.after)

    def _print(self, array):
        return self._watch.arrays.fingerprint(array)

    def _described(self, tensor):
        array = tensor._numpy()
        return self._details.output(array.dtype, array.shape, self._print(array), array.tobytes)

    def _before(self, original):
        """An optimizer is about to step: what it does then is the update."""
        original = self._eager.unseen(original)

        def before(*arguments):
            step = original(*arguments)
            self._eager.phase = "update"
            return step

        return before

    def wrap(self, tape_class, layer):
        """Wrap the calls of layers, and what a program does first and last with a tape."""
        look, guard = self, self._watch.probe.guard
        enter, gradient, call = tape_class.__enter__, tape_class.gradient, layer.__call__

        @functools.wraps(enter)
        def __enter__(self):
            guard("details of a tape", look._begins)
            return enter(self)

        @functools.wraps(gradient)
        def asked(self, *args, **kwargs):
            if look._eager is not None:
                look._eager.phase = "backward"
            return gradient(self, *args, **kwargs)

        @functools.wraps(call)
        def __call__(self, *args, **kwargs):
            if not look._is_on():
                return call(self, *args, **kwargs)
            called = functools.partial(call, self, *args, **kwargs)
            result = look._running.within(self.name, lambda: None, called)
            guard("details of a layer", look._returned, self, result)
            return result

        tape_class.__enter__, tape_class.gradient, layer.__call__ = __enter__, asked, __call__

    def _is_on(self):
        return self._details.is_on() and not self._watch.looping and self._watch.is_eager()

    def _begins(self):
        """A tape begins to record: the first sign of a step."""
        if not self._is_on():
            return
        self._watch.probe.begin()
        if self._eager is not None:
            self._eager.begin()
            self._eager.phase = "forward"
        elif self._details.level == "operator":
            self._details.note("Operators are not seen: TensorFlow 1.14 has no callbacks of operations.")

    def _returned(self, layer, result):
        tensors = [tensor for tensor in self._watch.flatten(result) if hasattr(tensor, "_numpy")]
        outputs = [self._described(tensor) for tensor in tensors]
        self._details.add("forward", "module", layer.name, outputs, type=type(layer).__name__)


def _has_callbacks():
    return importlib.util.find_spec("tensorflow.python.framework.op_callbacks") is not None
