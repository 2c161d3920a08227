"""What the parts of the PyTorch watcher share: the probe, the fingerprints, the names, and the state of the program.

`CompilerHook` is about `torch.compile`: the compiler must not see the watcher. Functions that the compiler traces as a
part of the program (the wrapper of module calls, the optimizer hooks) return at once while it traces. Others run
between two compiled pieces, while the compiler's frame hook is still on. Their frames are skipped, and the hook is put
aside while they work, so that nothing of the watcher is ever compiled.
"""

import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from ...prints import ArrayPrint, kept_number
from ...system import System
from ...wire import OWN_MODEL, TRAINS_ELSEWHERE
from ..objects import Function, Library, Optimizer, Tensor
from .names import TensorNames
from .tensors import Fingerprints, dtype_name, shape_of

if TYPE_CHECKING:
    from ...fingerprint import Tensor as TensorContent
    from ...probe import Probe
    from ...probe.inspection import Inspection, Output
    from .trees import ModuleTree

NAME = "pytorch"


class PyTorchWatch:
    """One for each process that has imported torch. `renew` makes it that of a forked child."""

    def __init__(self, torch: Library, probe: "Probe") -> None:
        self.torch, self.probe = torch, probe
        self.compiling = CompilerHook(torch)
        self.is_compiling = self.compiling.is_compiling
        self.stepped_in_graph = False  # set by compiled code after an optimizer stepped within it
        self.is_grad_enabled: Callable[[], bool] = torch.is_grad_enabled
        self._worker = _worker_facts(torch)
        self._tracing = getattr(torch._C, "_get_tracing_state", lambda: None)
        self.inside = False  # whether an outermost module call runs: calls within it belong to it
        self.in_backward = False
        self.optimizer_seen = False
        self.model_gone: Callable[[ModuleTree], Any] = lambda model: None  # called when a model has died
        self.renewals: List[Callable[[], Any]] = []  # functions() that forget what a forked child must not inherit
        self._start_again()

    def _start_again(self) -> None:
        self.pid = System.getpid()
        self.home: Optional[int] = None  # the thread that is watched
        self._points: Dict[Tuple[str, str], int] = {}  # by kind and name
        self.prints = Fingerprints(self.torch, self.probe.hasher, self.probe.not_observed)
        self.names = TensorNames(self)

    def is_idle(
        self, _process: Callable[[], int] = System.getpid, _thread: Callable[[], int] = threading.get_ident
    ) -> bool:
        """Return whether nothing is observed here.

        A different watcher counts the steps, this is a different thread, or a trace is being made.
        """
        if self._worker.get("_worker_info") is not None:
            return True
        if _process() != self.pid:
            self._renew()
        stepping = self.probe.stepping
        if (stepping is not None and stepping != NAME) or self._tracing() is not None:
            return True
        return self.home != _thread() and self._is_elsewhere()

    def has_optimizer(self) -> bool:
        """Return whether an optimizer has been seen, of torch or of a library on top of it.

        If so, a backward is not a step.
        """
        return self.optimizer_seen or self.probe.optimizer_seen

    def _is_elsewhere(self) -> bool:
        """Return whether this is a different thread.

        Only the first thread that trains is watched, because the order in which threads run is not part of the bits.
        If it has ended, the next one that trains is watched: they do not run beside each other. Python gives the number
        of an ended thread to a later one or not, by chance.
        """
        here = threading.get_ident()
        if self.home == here:
            return False
        if self.home not in sys._current_frames():
            self.home = None
        is_main = threading.current_thread() is threading.main_thread()
        if self.home is None and (is_main or self.torch.is_grad_enabled()):
            self.home = here
            return False
        self.probe.not_observed(
            "threads", "modules are called in several threads: only the first that trains is watched"
        )
        return True

    def trains_elsewhere(self, optimizer: Optional[Optimizer] = None) -> None:
        """Report that an unwatched thread trains, because a race decides which thread is watched.

        `optimizer`: the one that steps there. That thread trains a separate model if the watched thread has
        called a model, and if this model holds nothing of what the optimizer trains.
        """
        if self._is_elsewhere():
            self.probe.not_observed(TRAINS_ELSEWHERE, "an optimizer or a backward runs in a thread that is not watched")
            is_told = optimizer is not None and self.names.are_given()
            if is_told and not any(map(self.names.has, _parameters(optimizer))):
                self.probe.not_observed(TRAINS_ELSEWHERE, OWN_MODEL)

    def _renew(self) -> None:
        self.probe.adopt()
        self.inside = self.in_backward = self.optimizer_seen = False
        self._start_again()
        for function in self.renewals:
            function()

    def point(self, kind: str, name: str, tensor: Any) -> int:
        """Return the id of the point of a tensor, or of something with its dtype and shape."""
        found = self._points.get((kind, name))
        if found is None:
            found = self.probe.point(kind, name, dtype_name(tensor.dtype), shape_of(tensor))
            self._points[kind, name] = found
        return found

    def tensor(self, kind: str, name: str, tensor: Tensor) -> None:
        """Fingerprint a tensor and record it at the current step."""
        found = self.prints.of(tensor)
        if found is not None:
            self.probe.add(self.point(kind, name, tensor), found)
        if self.probe.wants(kind):
            self.capture(kind, name, tensor)

    def capture(self, kind: str, name: str, tensor: Tensor) -> None:
        """Hand over the bytes of the tensor that the launcher wants."""
        self.probe.captured(kind, name, *self.prints.content(tensor))

    def described(self, details: "Inspection", tensor: Tensor) -> "Output":
        """Return what an inspection keeps of a tensor: its facts, its fingerprint and, if there is room, its values."""
        found = self.prints.of(tensor)
        content = (lambda: self.prints.content(tensor)[2]) if found is not None else None
        return details.output(dtype_name(tensor.dtype), shape_of(tensor), found, content)

    def converted(self, value: Any) -> "Optional[TensorContent]":
        """Return (dtype, shape, bytes) of a tensor that the program observes itself; None for anything else."""
        return self.prints.content(value) if isinstance(value, self.torch.Tensor) else None

    def read(self, value: Any, takes_single: bool) -> Optional[ArrayPrint]:
        """Return the fingerprint and facts of a tensor; None for anything else. `takes_single`: read single values."""
        if self.torch.Tensor not in type.mro(type(value)):
            return None
        if takes_single:
            return self.print_of(value)
        is_weight = value.is_leaf and value.requires_grad
        found = self.print_of(value) if value.dim() or is_weight else None
        return found._replace(facts={"model": True}) if found is not None and is_weight else found

    def print_of(self, tensor: Tensor) -> Optional[ArrayPrint]:
        """Return what a point needs of a tensor; None if it has no values."""
        found = self.prints.of(tensor)
        return None if found is None else ArrayPrint(dtype_name(tensor.dtype), shape_of(tensor), found)

    def setting(self, name: str, value: Any, *, keeps: bool = True) -> Tuple[int, bytes]:
        """Return (id of the point, fingerprint) of a value of an optimizer that is not a tensor.

        `keeps`: keep its number, too.
        """
        data = repr(value).encode("utf-8", "surrogatepass")
        point, found = self.print_of_bytes("update", name, type(value).__name__, data)
        number = kept_number(value) if keeps else None
        if isinstance(number, float):
            self.probe.scalar(point, number)
        return self.probe.is_setting(point), found

    def print_of_bytes(self, kind: str, name: str, dtype: str, data: bytes) -> Tuple[int, bytes]:
        """Return (id of the point, fingerprint) of a single value, given as bytes."""
        return self.probe.point(kind, name, dtype), self.probe.hasher.data(data, self.probe.hasher.header(dtype, ()))


def _worker_facts(torch: Library) -> Dict[str, Any]:
    """Return the globals of PyTorch's data loader.

    Their `_worker_info` is not None in a process that only loads data; the data is recorded where it is used.
    """
    worker = getattr(torch.utils.data, "get_worker_info", None)
    found: Dict[str, Any] = getattr(worker, "__globals__", {})
    return found


def _parameters(optimizer: Optimizer) -> List[Tensor]:
    """Return the tensors that an optimizer trains."""
    return [tensor for group in list(optimizer.param_groups) for tensor in list(group["params"])]


# -- torch.compile ----------------------------------------------------------------------------------------------------


AT_STEPS = "steps inside torch.compile"
WHY_STEPS = "they are counted by the weights that they change: their gradients and optimizer state are not seen"


class CompilerHook:
    """The compiler's frame hook of this PyTorch; does nothing if there is none."""

    def __init__(self, torch: Library) -> None:
        frames: Library = getattr(getattr(torch._C, "_dynamo", None), "eval_frame", None)
        self._set: Optional[Function] = getattr(frames, "set_eval_frame", None)
        self._frames = frames
        self.is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", None) or _never

    def pause(self) -> Any:
        """Put the compiler's hook aside. Returns what `resume` takes."""
        return self._set(None) if self._set is not None else None

    def resume(self, hook: Any) -> None:
        """Put it back."""
        if self._set is not None:
            self._set(hook)

    def skipped(self, function: Function) -> Function:
        """Mark a function whose frame must not be compiled if it runs between two compiled pieces."""
        code, frames = function.__code__, self._frames
        if hasattr(frames, "set_code_exec_strategy"):
            skip, default = frames._FrameAction.SKIP, frames._FrameAction.DEFAULT
            frames.set_code_exec_strategy(code, frames._FrameExecStrategy(skip, default))
        elif hasattr(frames, "skip_code"):
            frames.skip_code(code)
        return function


def _never() -> bool:
    return False
