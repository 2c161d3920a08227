"""Finds where an operator runs: its phase (forward, backward, optimizer), its module, and the line of the program.

An operator of the backward gets the line of the forward that made its node. The nodes of the graph are numbered in the
order in which they are made, so the number of a node leads to the line. Anomaly mode would cost memory and time, and is
not used.
"""

import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

from ..lines import OWN

if TYPE_CHECKING:
    from types import CodeType, FrameType

PlaceKey = Tuple[str, str, str, int, str]
_Named = Tuple[str, int, str]  # file, line, name of the module
_Look = Tuple[str, int, Optional[Tuple[int, str]]]  # file, line, (id, class) of the innermost module

_STANDARD = os.path.dirname(os.__file__) + os.sep
_MOST_FRAMES = 200
_MOST_NODES = 1000000


class CodePlace:
    """The place of an operator. `file`, `line`: of the program's code, "" and 0 if unknown. `node`: of a backward."""

    __slots__ = ("file", "line", "module", "node", "phase")

    def __init__(self, phase: str, found: _Named, node: str = "") -> None:
        self.phase, self.node = phase, node
        self.file, self.line, self.module = found

    def key(self) -> PlaceKey:
        """Return the key that distinguishes places."""
        return self.phase, self.node, self.file, self.line, self.module


class Places:
    """Finds the places of operators. Each operator asks once, in its own thread."""

    def __init__(self, torch: Any, modules: Callable[[], Dict[int, str]]) -> None:
        """Prepare for one process. `modules`: function() -> {id of a module: qualified name, "" if outermost}."""
        self._torch, self._modules = torch, modules
        self._task, self._node = torch._C._current_graph_task_id, getattr(torch._C, "_current_autograd_node", None)
        self._next = getattr(torch.autograd, "_get_sequence_nr", None)
        self._calls = {getattr(torch.nn.Module, name).__code__ for name in ("_call_impl",)}
        self._hidden = (os.path.dirname(torch.__file__) + os.sep, OWN)
        self._own: Dict[CodeType, bool] = {}  # code object -> whether it is the program's own
        self._made: Dict[int, _Look] = {}  # number of a node -> the result of `_look`
        self.in_optimizer = False

    def note(self) -> None:
        """Remember the line of the newest node of the graph, if this operator made one."""
        if self._next is None or not self._torch.is_grad_enabled():
            return
        number = self._next() - 1
        if number not in self._made and len(self._made) < _MOST_NODES:
            self._made[number] = self._look()

    def forget(self) -> None:
        """Forget the nodes at a new step: its nodes have new numbers, and nobody asks for those of earlier steps."""
        self._made.clear()

    def phase(self) -> str:
        """Return the phase: forward, backward or optimizer."""
        if self._task() != -1:
            return "backward"
        # a closure within an optimizer's step computes a forward
        return "optimizer" if self.in_optimizer and not self._torch.is_grad_enabled() else "forward"

    def here(self) -> CodePlace:
        """Return the place of the operator that runs."""
        phase = self.phase()
        if phase == "backward":
            node = self._node() if self._node is not None else None
            if node is not None:
                found = self._made.get(node._sequence_nr(), ("", 0, None))
                return CodePlace(phase, self._named(found), node.name())
        return CodePlace(phase, self._named(self._look()))

    def _named(self, found: _Look) -> _Named:
        file, line, module = found
        if module is None:
            return file, line, ""
        number, kind = module
        return file, line, self._modules().get(number) or kind

    def _look(self) -> _Look:
        """Return (file, line) of the innermost frame of the program, and (id, class) of the innermost module."""
        frame: Optional[FrameType] = sys._getframe(2)
        file, line = "", 0
        module: Optional[Tuple[int, str]] = None
        for _ in range(_MOST_FRAMES):
            if frame is None or (file and module is not None):
                break
            code = frame.f_code
            if module is None and code in self._calls:
                called = frame.f_locals.get("self")
                module = id(called), type(called).__name__
            if not file and self._is_own(code):
                file, line = code.co_filename, frame.f_lineno
            frame = frame.f_back
        return file, line, module

    def _is_own(self, code: "CodeType") -> bool:
        known = self._own.get(code)
        if known is None:
            known = self._own[code] = self._judge(code.co_filename)
        return known

    def _judge(self, path: str) -> bool:
        if path.startswith("<"):
            return path in ("<string>", "<stdin>")
        if path.startswith(_STANDARD) and "-packages" not in path:
            return False
        return not path.startswith(self._hidden)
