"""Facts about operators: whether they are replayed, what they write to, whether they draw, and where they run."""

import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from .... import callers

if TYPE_CHECKING:
    from types import FrameType

# -- what operators do ------------------------------------------------------------------------------------------------
# This is learned once for each overload, from its schema and tags. If a schema hides something, the first call shows
# it (see `Overload.learn`). Only the arguments in `_WRITTEN` are known by their names.

Schema = Any  # a torch.FunctionSchema
_RANKS = ("c10d", "symm_mem", "rpc")  # namespaces, without underscores
_MARKS = ("profiler", "prim")
_UNSET = ("empty", "new_empty", "resize", "sparse_resize", "set_")  # without underscores
UNINITIALISED = "its output holds no values by contract"
_NOTHING = "it computes nothing"
_VIEW = "it returns a view, or changes one"
# batch normalisation and rrelu write these in training, not in evaluation; the schema does not say so
_WRITTEN = ("running_mean", "running_var", "noise")


class Overload:
    """One overload. `why_not`: why it is not replayed, or "". `writes`: (position, name) of written arguments."""

    def __init__(self, func: Any) -> None:
        self.schema: Schema = func._schema
        self.name: str = self.schema.name.rstrip("_") if not self.schema.name.endswith("__") else self.schema.name
        self.overload = "%s.%s" % (self.schema.name, self.schema.overload_name or "default")
        tags = {str(tag).rpartition(".")[2] for tag in getattr(func, "tags", ())}
        self.random = "nondeterministic_seeded" in tags
        self.why_not = _why_not(self.schema, tags)
        self.writes: List[Tuple[int, str]] = []
        for at, argument in enumerate(self.schema.arguments):
            if _is_written(argument) or argument.name in _WRITTEN:
                self.writes.append((at, argument.name))
        # results that are written arguments are compared as arguments
        self.results = [at for at, result in enumerate(self.schema.returns) if result.alias_info is None]
        self.fresh = True  # no call has been looked at yet

    def argument(self, at: int) -> str:
        """Return the name of an argument."""
        name: str = self.schema.arguments[at].name
        return name

    def learn(self, written: Iterable[int], drew: bool) -> None:
        """Learn from the first call what it wrote to, and whether it drew random numbers: the schema may hide both."""
        self.fresh = False
        self.random = self.random or drew
        known = {name for _, name in self.writes}
        self.writes += [(at, self.argument(at)) for at in written if self.argument(at) not in known]


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _why_not(schema: Schema, tags: Set[str]) -> str:
    qualified: str = schema.name
    namespace, _, name = qualified.partition("::")
    if namespace.lstrip("_").startswith(_RANKS):
        return "it talks to other ranks"
    if namespace == "aten" and name.lstrip("_").startswith(_UNSET):
        return UNINITIALISED
    views = [argument for argument in schema.arguments if argument.alias_info is not None]
    if "inplace_view" in tags or any(not argument.alias_info.is_write for argument in views):
        return _VIEW
    has_results = bool(views) or any("Tensor" in str(result.type) for result in schema.returns)
    return _NOTHING if namespace in _MARKS or not has_results else ""


# -- where an operator runs: its phase (forward, backward, optimizer), its module, and the line of the program --------

PlaceKey = Tuple[str, str, str, int, str]
_Named = Tuple[str, int, str]  # file, line, name of the module
_Look = Tuple[str, int, Optional[Tuple[int, str]]]  # file, line, (id, class) of the innermost module

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

    def __init__(
        self, torch: Any, name_of: Callable[[int], Optional[str]], is_in_optimizer: Callable[[], bool]
    ) -> None:
        """Prepare for one process. `name_of(id of a module)`: its name; None: its class names it."""
        self._torch, self._name_of = torch, name_of
        self._task, self._node = torch._C._current_graph_task_id, getattr(torch._C, "_current_autograd_node", None)
        self._next = getattr(torch.autograd, "_get_sequence_nr", None)
        self._call = torch.nn.Module._call_impl.__code__
        self._hidden = (os.path.dirname(torch.__file__) + os.sep, callers.OWN)
        self._made: Dict[int, _Look] = {}  # number of a node -> the result of `_look`
        self._is_in_optimizer = is_in_optimizer

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
        return "optimizer" if self._is_in_optimizer() and not self._torch.is_grad_enabled() else "forward"

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
        name = self._name_of(number)
        return file, line, kind if name is None else name

    def _look(self) -> _Look:
        """Return (file, line) of the innermost frame of the program, and (id, class) of the innermost module."""
        frame: Optional[FrameType] = sys._getframe(2)
        file, line = "", 0
        module: Optional[Tuple[int, str]] = None
        for _ in range(_MOST_FRAMES):
            if frame is None or (file and module is not None):
                break
            code = frame.f_code
            if module is None and code is self._call:
                called = frame.f_locals.get("self")
                module = id(called), type(called).__name__
            if not file and self._is_own(code.co_filename):
                file, line = code.co_filename, frame.f_lineno
            frame = frame.f_back
        return file, line, module

    def _is_own(self, path: str) -> bool:
        """Return whether a file is neither the standard library's nor PyTorch's nor the probe's."""
        if path.startswith("<"):
            return path in ("<string>", "<stdin>")
        return not path.startswith(self._hidden) and callers.kind_of(path) != callers.STANDARD
