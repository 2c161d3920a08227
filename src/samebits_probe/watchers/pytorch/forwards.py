"""The inputs and outputs of outermost modules: batch and forward, or evaluation.

Whether a forward trains is known only when a backward passes through it (a hook on the outputs' graph nodes notes
that), so its fingerprints, taken at once, wait until then. What no backward has reached when the step ends is an
evaluation: points of their own of kind "forward", named "evaluation/...", never `batch`.

An input that has a history (a `grad_fn`), or the bits of an earlier output of the same step, is not a batch: a module
that has been seen made it from one. That module then counts as training, too (a frozen backbone, a detached fake).
"""

import contextlib
import functools
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, Iterator, List, Optional, Set, Tuple, Union

from ..objects import Function, Module, NamedValue, Tensor
from .tensors import dtype_name, shape_of

if TYPE_CHECKING:
    from ...fingerprint import Tensor as TensorContent
    from .trees import ModuleTree
    from .watch import PyTorchWatch

EVALUATION = "evaluation/"
_WAITING = 16  # forwards without a backward that may still become part of a trained one
_RECENT = 64
_WIDE = 1000


class PendingPrint:
    """A tensor's fingerprint, waiting for the name of its point's kind."""

    __slots__ = ("content", "dtype", "name", "print", "shape", "value")

    def __init__(self, name: str, tensor: Tensor, found: bytes, content: "Optional[TensorContent]" = None) -> None:
        self.name, self.print, self.content = name, found, content
        self.value: Optional[float] = None
        self.dtype, self.shape = tensor.dtype, tensor.shape


class Forward:
    """One call of an outermost module."""

    __slots__ = ("inputs", "is_committed", "is_trained", "outputs", "sources")

    def __init__(self) -> None:
        self.inputs: List[PendingPrint] = []
        self.outputs: List[PendingPrint] = []
        self.sources: List[Forward] = []
        self.is_trained = self.is_committed = False

    def trains(self, *_: Any) -> None:
        """Note that a backward passes through. This is a hook of a graph node, and it changes nothing."""
        if not self.is_trained:
            self.is_trained = True
            for source in self.sources:
                source.trains()


class Root:
    """A loss, with the labels that its graph has saved."""

    __slots__ = ("labels", "losses")

    def __init__(self) -> None:
        self.losses: List[PendingPrint] = []
        self.labels: List[PendingPrint] = []


class Forwards:
    """The forwards and losses of the current step."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        self._tensor, self._loss = watch.torch.Tensor, watch.torch.nn.modules.loss._Loss
        functorch = getattr(watch.torch._C, "_functorch", None)
        self._transforms: Optional[Function] = getattr(functorch, "peek_interpreter_stack", None)
        self.current: Optional[Forward] = None  # the one whose module runs
        self._waiting: List[Union[Forward, Root]] = []
        self._recent: Deque[Forward] = deque(maxlen=_RECENT)
        self._given: Set[bytes] = set()  # the fingerprints of all outputs of `_recent`, and of some older ones
        self._points: Dict[Tuple[str, str, str], int] = {}  # (kind, prefix, name) -> id
        self._wide: Set[Any] = set()  # the identities of graph nodes that have very many nodes below them
        self.has_trained = self.has_batch = self.is_transformed = False  # a backward was seen; a batch; torch.func
        watch.renewals.append(self._forget)

    def _forget(self) -> None:
        self.current = None
        del self._waiting[:]
        self._recent.clear()
        self._points.clear()

    @contextlib.contextmanager
    def state_kept(self) -> Iterator[None]:
        """What waits now also waits afterwards, because this end may not be the last."""
        waiting, recent = list(self._waiting), list(self._recent)
        yield
        self._waiting[:] = waiting
        self._recent.clear()
        self._recent.extend(recent)

    # -- what modules and backward tell --------------------------------------------------------------------------

    def counts(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> bool:
        """Return whether to record the call of a module without weights. A data transform is not part of a graph."""
        return any(tensor.requires_grad for _, tensor in self.tensors("", [list(args), kwargs]))

    def enter(self, module: Module, args: Tuple[Any, ...], kwargs: Dict[str, Any], holds: bool) -> Tuple[Forward, str]:
        """Fingerprint the inputs of an outermost module. `holds`: whether it has parameters or buffers."""
        watch = self._watch
        if watch.is_grad_enabled():
            watch.probe.begin()
        label, names = self._names(module, watch.names.see(module) if holds else None)
        forward = Forward()
        self._waiting.append(forward)
        self._recent.append(forward)
        for number, value in enumerate(args):
            self._input(forward, label + names[min(number, 1)] if names else label + str(number), value)
        for key, value in kwargs.items():
            self._input(forward, label + key, value)
        self.current = forward
        return forward, label

    def _names(self, module: Module, model: "Optional[ModuleTree]") -> Tuple[str, Tuple[str, ...]]:
        """Return (label, names) of a module's inputs; without names: numbers. The second input of a loss is labels."""
        if isinstance(module, self._loss):
            return "", ("prediction", "labels")
        return (model.label if model is not None else type(module).__name__ + "."), ()

    def _input(self, forward: Forward, name: str, value: Any) -> None:
        for path, tensor in self.tensors(name, value):
            if tensor.grad_fn is None:
                found = self._watch.prints.of(tensor)
                source = self._source_of(found, forward) if found in self._given else None
                if source is not None:
                    forward.sources.append(source)
                elif found is not None:
                    forward.inputs.append(self._seen(path, tensor, found))

    def _source_of(self, found: Optional[bytes], but: Forward) -> Optional[Forward]:
        """Return the earlier forward of this step that gave exactly these bits, or None."""
        for forward in self._recent:
            if forward is not but and found in [output.print for output in forward.outputs]:
                return forward
        return None

    def leave(self, forward: Forward, label: str, result: Any) -> None:
        """Fingerprint the outputs of a module that has returned, and notice a backward through them."""
        for path, tensor in self.tensors(label + "output", result):
            found = self._watch.prints.of(tensor)
            if found is not None:
                forward.outputs.append(self._seen(path, tensor, found))
                self._given.add(found)
            if tensor.grad_fn is not None:
                tensor.grad_fn.register_hook(forward.trains)
        if len(self._given) > _RECENT**2:
            self._given = {output.print for recent in self._recent for output in recent.outputs}
        if forward.is_committed:
            self._record_outputs(forward)
        self._let_go()

    def is_in_function_transform(self) -> bool:
        """Return whether torch.func transforms the running code. Its backward does not call our hooks."""
        if self._transforms is None or self._transforms() is None:
            return False
        self.is_transformed = True
        return True

    def root(self, tensors: List[Tensor]) -> None:
        """Record the losses from which a backward begins."""
        root = Root()
        self.has_trained = True
        for tensor in tensors:
            found = self._watch.prints.of(tensor)
            if found is None:
                continue
            is_scalar = tensor.numel() == 1
            seen = self._seen("loss" if is_scalar else "root", tensor, found)
            seen.value = self._watch.prints.number(tensor) if is_scalar else None
            root.losses.append(seen)
            labels = self._labels_of(tensor.grad_fn)
            if labels is not None:
                self._labels(root, labels)
        self._waiting.append(root)

    def _labels(self, root: Root, tensor: Tensor) -> None:
        found = self._watch.prints.of(tensor)
        known = [seen.print for forward in self._recent for seen in forward.inputs + forward.outputs]
        if found is not None and found not in known:
            root.labels.append(self._seen("labels", tensor, found))

    def _labels_of(self, node: Any) -> Optional[Tensor]:
        """Return the target that the graph of a loss saved for its backward, or None."""
        for _ in range(6):
            if node is None:
                return None
            try:
                labels = getattr(node, "_saved_target", None)
            # a backward has freed the graph: the one that begins now would fail without samebits, too
            except RuntimeError:
                return None
            if labels is not None:
                return labels
            node = self._below(node)
        return None

    def _below(self, node: Any) -> Any:
        """Return the first node below a node of a graph; None for one that has very many below it.

        A look at these nodes makes an object for each. With a stack of all weights, that takes most of a step.
        """
        key = (node.name(), tuple(tuple(given.shape) for given in getattr(node, "_input_metadata", ())))
        if key in self._wide:
            return None
        following = node.next_functions
        if len(following) > _WIDE:
            self._wide.add(key)
        return next((below for below, _ in following if below is not None), None)

    # -- recording -----------------------------------------------------------------------------------------------

    def commit_trained(self) -> None:
        """Record what a backward went through as batch and forward."""
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            if isinstance(item, Root):
                self._record_root(item)
            elif item.is_trained:
                self._record(item)
            else:
                self._waiting.append(item)

    def close_step(self, _plan: Any = None) -> None:
        """Record what still waits as evaluations, because the step ends."""
        self.commit_trained()
        self._record_evaluations(0)
        self._recent.clear()

    def end(self) -> None:
        """Record what still waits with the kind "end". It came after the last step."""
        self.commit_trained()
        waiting, self._waiting = self._waiting, []
        for forward in [one for one in waiting if isinstance(one, Forward)]:
            for seen in forward.inputs + forward.outputs:
                self._add("end", seen, EVALUATION)

    def _let_go(self) -> None:
        if len(self._waiting) > _WAITING:
            self._record_evaluations(_WAITING)

    def _record_evaluations(self, keep: int) -> None:
        count = len(self._waiting) - keep
        for item in self._waiting[:count]:
            if isinstance(item, Root):
                self._record_root(item)
            else:
                self._record(item)
        del self._waiting[:count]

    def _record(self, forward: Forward) -> None:
        self.has_batch = self.has_batch or forward.is_trained
        for seen in forward.inputs:
            self._add("batch" if forward.is_trained else "forward", seen, "" if forward.is_trained else EVALUATION)
        forward.is_committed = True
        self._record_outputs(forward)

    def _record_outputs(self, forward: Forward) -> None:
        for seen in forward.outputs:
            self._add("forward", seen, "" if forward.is_trained else EVALUATION)

    def _record_root(self, root: Root) -> None:
        for seen in root.labels:
            self._add("batch", seen, "")
        for seen in root.losses:
            self._add("forward", seen, "")

    def _add(self, kind: str, seen: PendingPrint, prefix: str) -> None:
        probe, key = self._watch.probe, (kind, prefix, seen.name)
        point = self._points.get(key)
        if point is None:
            dtype, shape = dtype_name(seen.dtype), shape_of(seen)
            point = self._points[key] = probe.point(kind, prefix + seen.name, dtype, shape)
        occurrence = probe.add(point, seen.print)
        if seen.value is not None:
            probe.scalar(point, seen.value, occurrence)
        if seen.content is not None and probe.wants(kind):
            probe.captured(kind, prefix + seen.name, *seen.content)

    # -- tensors -------------------------------------------------------------------------------------------------

    def _seen(self, name: str, tensor: Tensor, found: bytes) -> PendingPrint:
        probe = self._watch.probe
        wanted = probe.selection is not None and (probe.wants("batch") or probe.wants("forward"))
        return PendingPrint(name, tensor, found, self._watch.prints.content(tensor) if wanted else None)

    def tensors(self, name: str, value: Any) -> List[NamedValue]:
        """Return (name, tensor) of all tensors in arguments or results, in containers of any depth."""
        if isinstance(value, self._tensor):
            return [(name, value)]
        if isinstance(value, (list, tuple)):
            parts = [("%s.%d" % (name, number), item) for number, item in enumerate(value)]
        elif hasattr(value, "items") and hasattr(value, "keys"):
            parts = [("%s.%s" % (name, key), item) for key, item in value.items()]
        else:
            return []
        return [found for path, item in parts for found in self.tensors(path, item)]


# Calls of outermost modules: `torch.nn.Module.__call__` is wrapped, once, for every version.
#
# The global module hooks are not used: they run at every submodule, and `torch.compile` prints a warning about them.
# Calls within an outermost call go straight through. While something is compiled or traced, the wrapper adds nothing,
# so there are as many graphs as without it.


def watch_modules(watch: "PyTorchWatch", forwards: Forwards, settle: Callable[[], Any]) -> None:
    """Wrap the call. `settle()` is called at each first sign of training, before anything of it is recorded."""
    module = watch.torch.nn.Module
    original, is_compiling, probe = module.__call__, watch.is_compiling, watch.probe

    def before(self: Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Tuple[Forward, str]]:
        holds = watch.names.holds_tensors(self)
        if not holds and not forwards.counts(args, kwargs):
            return None
        if watch.is_grad_enabled():
            settle()
        return forwards.enter(self, args, kwargs, holds)

    def outermost(entered: Tuple[Forward, str], self: Module, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        watch.inside = True
        try:
            if forwards.is_in_function_transform():
                entered[0].trains()
            result = original(self, *args, **kwargs)
        finally:
            watch.inside, forwards.current = False, None
        probe.guard("after a module's call", forwards.leave, *entered, result)
        return result

    @functools.wraps(original)
    def __call__(self: Module, *args: Any, **kwargs: Any) -> Any:
        if is_compiling() or watch.inside or watch.in_backward or watch.is_idle():
            return original(self, *args, **kwargs)
        entered = probe.guard("before a module's call", before, self, args, kwargs)
        if entered is None:
            return original(self, *args, **kwargs)
        return outermost(entered, self, args, kwargs)

    module.__call__ = __call__
