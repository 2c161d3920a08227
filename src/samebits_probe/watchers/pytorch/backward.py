"""Losses: the roots of every backward and of every `autograd.grad`.

And steps that no optimizer takes. From PyTorch 2.1 on, it wraps the one function that runs the autograd engine, which
nobody imports by name. In earlier releases it wraps `torch.autograd.backward` and `torch.autograd.grad`.
"""

import contextlib
import functools
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..objects import Function, NamedValue, Reference, Tensor
from .optimizers import record_buffers
from .tensors import dtype_name, shape_of
from .watch import AT_STEPS, WHY_STEPS

if TYPE_CHECKING:
    from .forwards import Forwards
    from .watch import CompilerHook, PyTorchWatch

Leaves = List[Tuple[str, Optional[Tensor]]]  # with names; None for a dead one
Begun = Tuple[Any]  # what `before` gives to `after`
WeakLeaf = Tuple[str, Reference]  # with its name


class PendingGradient(NamedTuple):
    """A gradient that is recorded if its leaf turns out to be trained."""

    name: str
    dtype: Any
    shape: Tuple[int, ...]
    print: Optional[bytes]


class PendingBackward(NamedTuple):
    """A backward. It is not known yet whether its gradients are used."""

    leaves: List[WeakLeaf]
    prints: List[Optional[bytes]]  # of the leaves
    gradients: List[PendingGradient]


_ENGINE = "_engine_run_backward"


class Backward:
    """What happens before and after each run of the autograd engine.

    A run within another one (checkpointing) belongs to the outer one.
    """

    def __init__(self, watch: "PyTorchWatch", forwards: "Forwards", by_hand: "ByHand") -> None:
        self.watch, self._forwards, self._by_hand = watch, forwards, by_hand

    def before(self, outputs: Any, inputs: Optional[List[Tensor]]) -> Optional[Begun]:
        """Note that the engine starts. `inputs`: see `_inputs_of`.

        Returns what `after` takes, or None if nothing is watched.
        """
        watch = self.watch
        if watch.in_backward:
            return None
        if watch.is_idle():
            watch.trains_elsewhere()
            return None
        tensors = [item for item in _as_list(outputs) if isinstance(item, watch.torch.Tensor)]
        watch.in_backward = True
        return (watch.probe.guard("before a backward", self._before, tensors, inputs),)

    def is_over(self, begun: Begun) -> bool:
        """Return whether there is nothing to do after a run. What it has trained is recorded at the next moment.

        So the probe works at one moment less in a step. At each moment, its code is no longer in the caches.
        """
        if begun[0] is None and self.watch.optimizer_seen and self._forwards.current is None:
            self._forwards.has_trained_more = True
            return True
        return False

    def after(self, begun: Begun, result: Any) -> None:
        """Record the leaves after a run of the engine that raised no exception."""
        self.watch.probe.guard("after a backward", self._after, begun[0], result)

    def _before(self, tensors: List[Tensor], inputs: Optional[List[Tensor]]) -> Any:
        self._forwards.commit_due()
        leaves, is_transformed = None, self._forwards.is_in_function_transform()
        self._by_hand.notice_compiled_steps()
        if not self.watch.has_optimizer() and not is_transformed:
            leaves = self._by_hand.leaves(tensors, inputs)
            self._by_hand.settle(leaves)
        if not self.watch.probe.is_sampled:
            self.watch.probe.begin()
        if self._forwards.current is not None:
            self._forwards.current.trains()
        self._forwards.root(tensors)
        return leaves

    def _after(self, leaves: Any, result: Any) -> None:
        self._forwards.commit_trained()
        if leaves is not None:
            self._by_hand.expect(leaves, result)


def _as_list(outputs: Any) -> List[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _inputs_of(position: int, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[List[Tensor]]:
    """Return the tensors whose gradients are wanted (an argument of the wrapped function). None means all leaves."""
    inputs = kwargs.get("inputs", args[position] if len(args) > position else None)
    return _as_list(inputs) or None if inputs is not None else None


class ByHand:
    """Steps of a program without an optimizer (`w -= lr * w.grad`).

    As long as no optimizer has been seen, the leaves of each backward are remembered. If they have changed after a
    backward, it was a step; if not, it was a part of one (accumulated gradients). This is decided at the next sign of
    training, and at the end.
    """

    def __init__(self, watch: "PyTorchWatch", forwards: "Forwards") -> None:
        self._watch, self._forwards = watch, forwards
        self._waiting: Optional[PendingBackward] = None  # the last one
        self._is_said = False
        self._last: List[WeakLeaf] = []
        watch.renewals.append(self._forget)

    def _forget(self) -> None:
        self._waiting, self._is_said, self._last = None, False, []

    def leaves(self, roots: List[Tensor], inputs: Optional[List[Tensor]]) -> List[NamedValue]:
        """Return [(name, tensor)] of the tensors whose gradients the backward computes."""
        if inputs is None:
            inputs = _leaves_of([root.grad_fn for root in roots])
        names = self._watch.names
        return [
            (names.has(leaf) or "param.%d" % number, leaf)
            for number, leaf in enumerate(leaf for leaf in inputs if isinstance(leaf, self._watch.torch.Tensor))
        ]

    def expect(self, leaves: List[NamedValue], result: Any) -> None:
        """Keep what will show whether the gradients of a backward are used, and what a step would record."""
        of = self._watch.prints.of
        given = result if isinstance(result, (list, tuple)) else [leaf.grad for _, leaf in leaves]
        prints = [(name, item, of(item)) for (name, _), item in zip(leaves, given) if item is not None]
        gradients = [PendingGradient(name, item.dtype, shape_of(item), found) for name, item, found in prints]
        self._last = [(name, weakref.ref(leaf)) for name, leaf in leaves]
        self._waiting = PendingBackward(self._last, [of(leaf) for _, leaf in leaves], gradients)

    def living(self) -> List[NamedValue]:
        """Return [(name, tensor)] of the living leaves of the last backward if the program trains by hand."""
        alive = [(name, reference()) for name, reference in self._last] if self._is_said else []
        return [(name, leaf) for name, leaf in alive if leaf is not None]

    @contextlib.contextmanager
    def state_kept(self) -> Iterator[None]:
        """Decisions made while this is entered, at an end that may not be the last, are made again later."""
        before = self._waiting, self._is_said, self._last
        yield
        self._waiting, self._is_said, self._last = before

    def forget(self) -> None:
        """Note that an optimizer has been seen. From now on only its steps count."""
        self._waiting = None

    def notice_compiled_steps(self) -> None:
        """Find the steps of an optimizer by hand from now on, if it stepped in compiled code since the last call."""
        if self._watch.stepped_in_graph:
            self._watch.stepped_in_graph = self._watch.optimizer_seen = False
            self._watch.probe.not_observed(AT_STEPS, WHY_STEPS)

    def settle(self, leaves: Optional[List[NamedValue]] = None, is_last: bool = False) -> None:
        """At a sign of training, decide whether the gradients of the last backward were used to change its leaves.

        `leaves`: those of the next backward, if one begins. Dead leaves were replaced by new ones, which only the next
        backward shows.
        """
        if self._waiting is None or self._watch.has_optimizer():
            self._waiting = None
            return
        references, prints, gradients = self._waiting
        before = [(name, reference()) for name, reference in references]
        has_died = any(leaf is None for _, leaf in before)
        if has_died and leaves is None and not is_last:
            return
        now = _matched(before, leaves)
        if has_died or any(self._watch.prints.of(leaf) != found for (_, leaf), found in zip(now, prints)):
            self._waiting = None
            self._begin_by_hand(before, prints)
            self._step(now, gradients)

    def _begin_by_hand(self, leaves: Leaves, prints: List[Optional[bytes]]) -> None:
        """Before the first such step, record what the leaves were.

        The starts of models' leaves are recorded already.
        """
        if self._is_said:
            return
        self._is_said, watch = True, self._watch
        watch.probe.once("observed-by", how="backward")
        for (name, leaf), found in zip(leaves, prints):
            if leaf is not None and found is not None and not watch.names.has(leaf):
                watch.probe.add_start(watch.point("start", name, leaf), found)

    def _step(self, leaves: Leaves, gradients: List[PendingGradient]) -> None:
        watch, probe = self._watch, self._watch.probe
        for name, dtype, shape, found in gradients:
            if found is not None:
                probe.add(probe.point("gradient", name, dtype_name(dtype), shape), found)
        for name, leaf in leaves:
            if leaf is not None:
                watch.tensor("update", name, leaf)
        record_buffers(watch)
        self._forwards.close_step()
        probe.end_step()


def _leaves_of(nodes: Sequence[Any]) -> List[Tensor]:
    """Return the leaves of the graph that autograd has built, each once, in the order of a walk from its roots."""
    seen, leaves, waiting = set(), [], [node for node in reversed(nodes) if node is not None]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        waiting.extend(following for following, _ in reversed(node.next_functions) if following is not None)
    return leaves


def _matched(before: Leaves, now: Optional[List[NamedValue]]) -> Leaves:
    """Return the tensors that replaced those of `before` (a program may make new leaves in each step)."""
    if now is None or len(now) != len(before):
        return before
    return [new if old[1] is None or new[1].shape == old[1].shape else old for old, new in zip(before, now)]


def watch_backward(watch: "PyTorchWatch", backward: Backward) -> None:
    """Wrap what runs the engine."""
    autograd = watch.torch.autograd
    if _ENGINE in vars(autograd):
        setattr(autograd, _ENGINE, _wrapped(getattr(autograd, _ENGINE), 3, backward, watch.compiling))
    else:
        autograd.backward = _wrapped(autograd.backward, 4, backward, watch.compiling)
        autograd.grad = _wrapped(autograd.grad, 0, backward, watch.compiling)


def _wrapped(original: Function, position: int, backward: Backward, compiling: "CompilerHook") -> Function:
    """`position`: the place, after the outputs, of the argument with the tensors whose gradients are wanted."""
    pause, resume, watch = compiling.pause, compiling.resume, backward.watch

    def apart(function: Function, *arguments: Any) -> Any:
        hook = pause()
        try:
            return function(*arguments)
        finally:
            resume(hook)

    @functools.wraps(original)
    def run(outputs: Any, *args: Any, **kwargs: Any) -> Any:
        if compiling.is_compiling():
            return original(outputs, *args, **kwargs)
        is_within = watch.in_backward
        try:
            begun = apart(backward.before, outputs, _inputs_of(position, args, kwargs))
            result = original(outputs, *args, **kwargs)
        finally:
            if not is_within:
                watch.in_backward = False
        if begun is not None and not backward.is_over(begun):
            apart(backward.after, begun, result)
        return result

    return compiling.skipped(run)
