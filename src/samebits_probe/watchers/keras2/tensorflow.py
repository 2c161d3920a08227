"""The parts of TensorFlow 1.14 and 2.1 that the watcher of Keras 2 uses, found in the modules that are loaded."""

import functools
import importlib
from typing import TYPE_CHECKING, Any, Callable

from ..objects import Function, Library
from ..remains import tell_after

if TYPE_CHECKING:
    from .watcher import Keras2Watch


def _module(name: str) -> Library:
    """Return a module of TensorFlow that is loaded already: `tensorflow.python` is `tensorflow_core.python` in 2.1."""
    return importlib.import_module("tensorflow.python." + name)


class OldTensorFlow:
    """Functions and classes of the TensorFlow in this process."""

    def __init__(self) -> None:
        self.backend = _module("keras.backend")
        self._context = _module("eager.context")
        self._ops = _module("framework.ops")
        self.read_variable = _module("ops.gen_resource_variable_ops").read_variable_op
        self.is_tensor = _module("framework.tensor_util").is_tensor
        self.flatten = _module("util.nest").flatten
        self.eager_mode = self._context.eager_mode
        self.is_eager: Callable[[], bool] = lambda: self._context.context().executing_eagerly()

    def wrap(self, watch: "Keras2Watch") -> None:
        """Wrap the functions that every Keras on this TensorFlow uses."""
        watch.functions.wrap_backend(self.backend)
        session = _module("client.session").BaseSession
        tell_after(session, "__init__", watch.ends.add_session)
        session.close = _before(session.close, watch, lambda session: watch.ends.finish(session))
        clear = _before(self.backend.clear_session, watch, lambda: watch.ends.finish())
        self.backend.clear_session = clear

    def random_state(self) -> bytes:
        """Return the bytes that decide the seeds of operations made from now on."""
        graph = self._ops.get_default_graph()
        context = self._context.context()
        state = [graph.seed, graph._last_id]
        if context.executing_eagerly():
            generator = getattr(context, "_rng", None)
            state = [context._seed, generator.getstate() if generator is not None else None]
        return repr(state).encode()


def _before(original: Function, watch: "Keras2Watch", look: Function) -> Function:
    """Return a function that calls `look(...)` just before `original`.

    A failure of `look` never reaches the program.
    """

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        watch.probe.guard("keras end", look, *args)
        return original(*args, **kwargs)

    return wrapper
