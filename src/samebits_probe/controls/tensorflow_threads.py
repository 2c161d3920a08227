"""TensorFlow's two thread pools: of the eager context (TensorFlow 2) and of sessions."""

import functools
import sys

_COUNTS = ("intra_op_parallelism_threads", "inter_op_parallelism_threads")


def hold(number, module):
    """Hold both pools at so many threads, in the eager context and in every session that is made from now on."""
    context = _eager_context()
    if context is not None:
        for name in _COUNTS:
            _set_once(context, name, number)
            _hold_property(type(context), name)
    _hold_sessions(sys.modules["tensorflow.python.client.session"].BaseSession, number)


def counts(module):
    """(what, number of threads) as the eager context and the sessions made so far were configured."""
    context = _eager_context()
    found = [("TensorFlow's " + name, getattr(context, name)) for name in _COUNTS] if context is not None else []
    return found + sorted(_Sessions.seen)


class _Sessions:
    seen = set()


def _eager_context():
    """The eager context, or None before TensorFlow 2. Asking for it does not start it."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context() if module is not None else None
    return context if hasattr(type(context), _COUNTS[0]) else None


def _set_once(context, name, number):
    try:
        setattr(context, name, number)
    except RuntimeError:  # it runs already: reading back says with how many threads
        pass


def _hold_property(cls, name):
    original = cls.__dict__[name]
    setattr(cls, name, property(original.fget, lambda self, number: None, doc=original.__doc__))


def _hold_sessions(cls, number):
    original = cls.__init__

    @functools.wraps(original)
    def __init__(self, target="", graph=None, config=None):
        config = _with_threads(config, number)
        original(self, target, graph, config)
        for name in _COUNTS:
            _Sessions.seen.add(("a session's " + name, getattr(self._config, name)))

    cls.__init__ = __init__


def _with_threads(config, number):
    """A copy of a ConfigProto (or a new one) with so many threads in each pool."""
    proto = sys.modules["tensorflow.core.protobuf.config_pb2"].ConfigProto()
    if config is not None:
        proto.CopyFrom(config)
    for name in _COUNTS:
        setattr(proto, name, number)
    del proto.session_inter_op_thread_pool[:]
    return proto
