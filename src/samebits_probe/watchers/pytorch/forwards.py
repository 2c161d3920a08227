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
from .calls import Forward, PendingPrint, Root
from .trees import has_tensors

if TYPE_CHECKING:
    from .trees import ModuleTree
    from .watch import PyTorchWatch

ToRecord = Tuple[str, PendingPrint, str]  # kind, fingerprint, what its name begins with

EVALUATION = "evaluation/"
_WAITING = 16  # forwards without a backward that may still become part of a trained one
_RECENT = 64
_WIDE = 1000


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
        self._wide: Set[Any] = set()  # the identities of graph nodes that have very many nodes below them
        self.has_trained = self.has_batch = self.is_transformed = False  # a backward was seen; a batch; torch.func
        self.has_trained_more = False  # a backward has ended, and what it went through is not recorded yet
        self._of = watch.prints.of
        watch.renewals.append(self._forget)

    def _forget(self) -> None:
        self.current, self.has_trained_more, self._of = None, False, self._watch.prints.of
        del self._waiting[:]
        self._recent.clear()

    @contextlib.contextmanager
    def state_kept(self) -> Iterator[None]:
        """What waits now also waits afterwards, because this end may not be the last."""
        waiting, recent, has_trained_more = list(self._waiting), list(self._recent), self.has_trained_more
        yield
        self.has_trained_more = has_trained_more
        self._waiting[:] = waiting
        self._recent.clear()
        self._recent.extend(recent)

    # -- what modules and backward tell --------------------------------------------------------------------------

    def counts(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> bool:
        """Return whether to record the call of a module without weights. A data transform is not part of a graph."""
        for value in args:
            if isinstance(value, self._tensor) and value.requires_grad:
                return True
        return any(tensor.requires_grad for _, tensor in self.tensors("", [list(args), kwargs]))

    def enter(
        self, module: Module, args: Tuple[Any, ...], kwargs: Dict[str, Any], model: "Optional[ModuleTree]"
    ) -> Tuple[Forward, str]:
        """Fingerprint the inputs of an outermost module. `model`: None if it has no parameters and no buffers."""
        label, names = self._names(module, model)
        self.commit_due()
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
        for path, tensor in ((name, value),) if isinstance(value, self._tensor) else self.tensors(name, value):
            if tensor.is_leaf:  # a leaf has no `grad_fn`; to read `grad_fn` could make one
                found = self._of(tensor)
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
        name = label + "output"
        for path, tensor in ((name, result),) if isinstance(result, self._tensor) else self.tensors(name, result):
            found = self._of(tensor)
            if found is not None:
                forward.outputs.append(self._seen(path, tensor, found))
                self._given.add(found)
            node = tensor.grad_fn
            if node is not None:
                node.register_hook(forward.trains)
        if len(self._given) > _RECENT**2:
            self._given = {output.print for recent in self._recent for output in recent.outputs}
        if forward.is_committed:
            self._record([("forward", one, "" if forward.is_trained else EVALUATION) for one in forward.outputs])
        if len(self._waiting) > _WAITING:
            self._record_evaluations(_WAITING)

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
            found = self._of(tensor)
            if found is None:
                continue
            is_scalar = tensor.numel() == 1
            value = self._watch.prints.number(tensor) if is_scalar else None
            root.losses.append(self._seen("loss" if is_scalar else "root", tensor, found, value))
            labels = self._labels_of(tensor.grad_fn)
            if labels is not None:
                self._labels(root, labels)
        self._waiting.append(root)

    def _labels(self, root: Root, tensor: Tensor) -> None:
        found = self._of(tensor)
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

    def commit_due(self) -> None:
        """Record what the last backward went through, if its end did not record it."""
        if self.has_trained_more:
            self.commit_trained()

    def commit_trained(self) -> None:
        """Record what a backward went through as batch and forward."""
        waiting, self._waiting, self.has_trained_more = self._waiting, [], False
        found: List[ToRecord] = []
        for item in waiting:
            if isinstance(item, Root) or item.is_trained:
                found += self._of_item(item)
            else:
                self._waiting.append(item)
        self._record(found)

    def close_step(self) -> None:
        """Record what still waits as evaluations, because the step ends."""
        self.commit_trained()
        self._record_evaluations(0)
        self._recent.clear()

    def end(self) -> None:
        """Record what still waits with the kind "end". It came after the last step."""
        self.commit_trained()
        waiting, self._waiting = self._waiting, []
        for forward in [one for one in waiting if isinstance(one, Forward)]:
            self._record([("end", seen, EVALUATION) for seen in forward.inputs + forward.outputs])

    def _record_evaluations(self, keep: int) -> None:
        count = len(self._waiting) - keep
        if count > 0:
            self._record([one for item in self._waiting[:count] for one in self._of_item(item)])
            del self._waiting[:count]

    def _of_item(self, item: "Union[Forward, Root]") -> "List[ToRecord]":
        """Return what to record of a call or a loss, now that it is known whether it was trained."""
        if isinstance(item, Root):
            return [("batch", seen, "") for seen in item.labels] + [("forward", seen, "") for seen in item.losses]
        item.is_committed = True
        if not item.is_trained:
            return [("forward", seen, EVALUATION) for seen in item.inputs + item.outputs]
        self.has_batch = True
        return [("batch", seen, "") for seen in item.inputs] + [("forward", seen, "") for seen in item.outputs]

    def _record(self, found: "List[ToRecord]") -> None:
        probe, point_of = self._watch.probe, self._watch.point
        pairs = [(point_of(kind, prefix + seen.name, seen), seen.print) for kind, seen, prefix in found]
        counted = probe.add_each(pairs)
        for (kind, seen, prefix), (point, _), occurrence in zip(found, pairs, counted):
            if seen.value is not None:
                probe.scalar(point, seen.value, occurrence)
            if seen.content is not None and probe.wants(kind):
                probe.captured(kind, prefix + seen.name, *seen.content)

    # -- tensors -------------------------------------------------------------------------------------------------

    def _seen(self, name: str, tensor: Tensor, found: bytes, value: Optional[float] = None) -> PendingPrint:
        content, probe = None, self._watch.probe
        if probe.selection is not None and (probe.wants("batch") or probe.wants("forward")):
            content = self._watch.prints.content(tensor)
        return PendingPrint(name, found, tensor.dtype, tensor.shape, content, value)

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
        model = watch.names.known(self)
        is_new = model is None and has_tensors(self)
        if not (model or is_new or forwards.counts(args, kwargs)):
            return None
        if watch.is_grad_enabled():
            settle()
            if not probe.is_sampled:
                probe.begin()
        return forwards.enter(self, args, kwargs, watch.names.see(self) if is_new else model)

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
