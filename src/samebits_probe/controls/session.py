"""Controls for settings of the paper's Codes 1 and 2: Keras' session and its threads, the data format, one GPU."""

import os
import sys
import weakref

from ..wire import HELD, UNDONE, UNREADABLE
from ..wrappers import before
from . import control
from .control import SHELL, TOP, Control, Edit, held, imported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from .control import ControlEffect, ImportHooks, VariedMachine

_VISIBLE, _CPU = "CUDA_VISIBLE_DEVICES", "cpu"
_RUNS = ("run", "make_callable", "_make_callable_from_options", "partial_run")


class SessionThreads(Control):
    """Sets a session with one thread in each pool as Keras' session, and checks whether Keras runs its steps in it."""

    id = "session-threads"
    libraries = ("tensorflow",)
    is_strict = False  # a setting of the paper, for its own programs
    edits = (
        Edit(
            TOP,
            "config = tensorflow.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)",
            "keras.backend.set_session(tensorflow.compat.v1.Session(config=config))",
        ),
    )

    def __init__(self) -> None:
        self._session: "Any" = None
        self._keras: "Any" = None
        self._used = 0
        # the session that ran last, if it is not the session of this control
        self._other: "Optional[weakref.ReferenceType[Any]]" = None

    def after_import(self) -> "ImportHooks":
        return {"tensorflow": self._set_in_tensorflow, "keras": self._set_in_keras}

    def _set_in_tensorflow(self, module: "Any") -> None:
        self._watch(sys.modules["tensorflow.python.client.session"].BaseSession)
        v1 = module.compat.v1
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=v1.get_default_graph(), config=config)
        backend = sys.modules.get("tensorflow.python.keras.backend")
        if backend is not None and not module.__version__.startswith("1."):
            backend.set_session(self._session)  # tf.compat.v1.keras.backend.set_session, as in Code 2

    def _set_in_keras(self, module: "Any") -> None:
        """Set the session as Code 1 does.

        On TensorFlow 2, Keras 2.3 has no such function: Code 2 sets the session only in tf.keras.
        """
        self._keras = module
        if not _is_keras_3() and sys.modules["tensorflow"].__version__.startswith("1."):
            module.backend.set_session(self._session)

    def _watch(self, cls: "Any") -> None:
        for name in _RUNS:
            if name in cls.__dict__:
                before(cls, name, self._count)

    def _count(self, session: "Any", *_: "Any", **__: "Any") -> None:
        if session is self._session:
            self._used += 1
        else:
            self._other = weakref.ref(session)

    def read_back(self) -> "ControlEffect":
        if _is_keras_3():
            return UNDONE, "Keras 3 has no session"
        if self._session is None or (not self._used and not self.probe.step):
            return UNREADABLE, "no step has run yet"
        if self._used:
            return self._is_still_set()
        return self._of_the_program() or (UNDONE, "Keras ran nothing in the session that was set" + _where_it_runs())

    def _of_the_program(self) -> "Optional[ControlEffect]":
        """Return the effect if the program has set its own session, as a program with Code 1 does."""
        session = self._other() if self._other is not None else None
        config = getattr(session, "_config", None)
        if session is None or not sys.modules["tensorflow"].__version__.startswith("1."):
            return None
        counts = [getattr(config, "%s_op_parallelism_threads" % pool, 0) for pool in ("intra", "inter")]
        if counts == [1, 1]:
            return HELD, "in a session that the program set itself"
        said = " and ".join("%d" % count if count else "as many as there are cores" for count in counts)
        return UNDONE, "the program set a session of its own, with these threads in its pools: %s" % said

    def _is_still_set(self) -> "ControlEffect":
        if self._keras is None or not sys.modules["tensorflow"].__version__.startswith("1."):
            return HELD, ""
        now = self._keras.backend.get_session()
        return held(now is self._session, "Keras has a different session now")


def _where_it_runs() -> str:
    """Describe what runs the steps instead of the session.

    If a session is made before the eager context, the session makes the pool of threads within operators for the whole
    process, with one thread. But the context decides for itself how many operators run at a time.
    """
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context() if module is not None and module.executing_eagerly() else None
    if context is None:
        return ""
    count = getattr(context, "inter_op_parallelism_threads", 0)
    at_a_time = "%d operator%s" % (count, "s" * (count > 1)) if count else "its default number of operators"
    return "; it runs its steps in TensorFlow's eager context, which runs %s at a time" % at_a_time


def _is_keras_3() -> bool:
    return "keras.src" in sys.modules and not sys.modules["keras"].__version__.startswith("2.")


class ChannelsFirst(Control):
    """Sets Keras' image data format to channels_first, if there is a GPU: on a CPU such convolutions do not run."""

    id = "channels-first"
    libraries = ("keras",)
    is_strict = False  # a setting of the paper, for its own programs
    edits = (Edit(TOP, "keras.backend.set_image_data_format('channels_first')"),)

    def after_import(self) -> "ImportHooks":
        return {"keras": self._set}

    def _set(self, module: "Any") -> None:
        if self._can_run():
            module.backend.set_image_data_format("channels_first")

    @staticmethod
    def _can_run() -> bool:
        tensorflow = sys.modules.get("tensorflow")
        return tensorflow is not None and tensorflow.test.is_built_with_cuda() and control.gpu_is_visible()

    def read_back(self) -> "ControlEffect":
        if not self._can_run():
            return UNDONE, "samebits sets it only for TensorFlow on a GPU: the program was left as it is"
        now = sys.modules["keras"].backend.image_data_format()
        return HELD if now == "channels_first" else UNDONE, "the image data format is " + now


class VisibleGpu(Control):
    """Sets CUDA_VISIBLE_DEVICES to one device."""

    id = "visible-gpu"
    value = "one"
    values = "cpu (no device)"
    is_strict = False  # a setting of the paper, for its own programs
    edits = (Edit(SHELL, "export CUDA_VISIBLE_DEVICES=0"),)
    holds_variables = False  # the program may choose the device
    factor = "device"
    varies = "The device of the training: its own choice, or only the CPU (no CUDA device is visible)."
    takes = "own, cpu"
    not_here = "there is no CUDA device here"

    @classmethod
    def accepts(cls, value: str) -> bool:
        return value == _CPU

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {_VISIBLE: "" if cls.value == _CPU else control.first_gpu()}

    def read_back(self) -> "ControlEffect":
        shown = os.environ.get(_VISIBLE, "")
        said = "CUDA_VISIBLE_DEVICES is %r" % shown
        if self.value == _CPU:
            return UNDONE if control.gpu_is_visible() else HELD, said
        if not control.gpu_is_visible():
            return UNREADABLE, "there is no GPU here"
        return HELD if shown and "," not in shown else UNDONE, said

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return [_CPU] if machine.gpus else []

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        return "" if machine.gpus else cls.not_here

    @staticmethod
    def in_force() -> "Optional[str]":
        """Describe whether PyTorch has used CUDA, and which devices it may see."""
        for module in imported("torch"):
            visible = os.environ.get(_VISIBLE)
            return "CUDA %s, devices visible: %s" % (
                "in use" if module.cuda.is_initialized() else "not used",
                "all" if visible is None else visible or "none",
            )
        return None
