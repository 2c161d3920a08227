"""Losses: the roots of every backward and of every `autograd.grad`; and steps that no optimizer takes.

From 2.1 on through the one function that runs the autograd engine, which nobody imports by name; below, through
`torch.autograd.backward` and `torch.autograd.grad`.
"""

import contextlib
import functools
import weakref

from .compiler import AT_STEPS, WHY_STEPS
from .optimizers import record_buffers
from .tensors import dtype_name, shape_of

_ENGINE = "_engine_run_backward"


class Backward:
    """`run` stands around every run of the autograd engine; one within another (checkpointing) belongs to that one."""

    def __init__(self, watch, forwards, by_hand):
        self._watch, self._forwards, self._by_hand = watch, forwards, by_hand

    def before(self, outputs, inputs):
        """The engine starts; `inputs`: see `_inputs_of`. Gives what `after` takes, or None where nothing is watched."""
        watch = self._watch
        if watch.in_backward:
            return None
        if watch.is_idle():
            watch.trains_elsewhere()
            return None
        tensors = [item for item in _as_list(outputs) if isinstance(item, watch.torch.Tensor)]
        watch.in_backward = True
        return (watch.probe.guard("before a backward", self._before, tensors, inputs),)

    def after(self, begun, result):
        """The engine has ended well."""
        self._watch.probe.guard("after a backward", self._after, begun[0], result)

    def is_running(self):
        """Whether the engine runs already."""
        return self._watch.in_backward

    def stop(self):
        """The engine has ended, well or not."""
        self._watch.in_backward = False

    def _before(self, tensors, inputs):
        leaves = None
        self._by_hand.notice_compiled_steps()
        if not self._watch.has_optimizer() and not self._forwards.is_in_function_transform():
            leaves = self._by_hand.leaves(tensors, inputs)
            self._by_hand.settle(leaves)
        elif not self._forwards.is_in_function_transform():
            self._by_hand.beside.look(tensors, inputs)
        elif self._watch.has_optimizer():
            self._by_hand.beside.record_function(inputs or (), "update")
        self._watch.probe.begin()
        if self._forwards.current is not None:
            self._forwards.current.trains()
        self._forwards.root(tensors)
        return leaves

    def _after(self, leaves, result):
        self._forwards.commit_trained()
        if leaves is not None:
            self._by_hand.expect(leaves, result)


def _as_list(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def _inputs_of(position, args, kwargs):
    """The tensors whose gradients are asked for (an argument of the wrapped function), or None: all leaves."""
    inputs = kwargs.get("inputs", args[position] if len(args) > position else None)
    return _as_list(inputs) or None if inputs is not None else None


class ByHand:
    """Steps of a program without an optimizer (`w -= lr * w.grad`).

    As long as no optimizer has been seen, the leaves of each backward are remembered. A backward after which they have
    changed was a step; one after which they have not was a part of one (accumulated gradients). It is decided at the
    next sign of training, and at the end.
    """

    def __init__(self, watch, forwards):
        self._watch, self._forwards = watch, forwards
        self._waiting = None  # (leaves, their fingerprints, gradients) of the last backward
        self._is_said, self._last = False, []
        self.beside = FreeLeaves(watch)
        watch.renewals.append(self._forget)

    def _forget(self):
        self._waiting, self._is_said, self._last = None, False, []
        self.beside.forget()

    def leaves(self, roots, inputs):
        """The tensors that the backward's gradients are for: [(name, tensor)]."""
        if inputs is None:
            inputs = leaves_of([root.grad_fn for root in roots])
        names = self._watch.names
        return [
            (names.has(leaf) or "param.%d" % number, leaf)
            for number, leaf in enumerate(leaf for leaf in inputs if isinstance(leaf, self._watch.torch.Tensor))
        ]

    def expect(self, leaves, result):
        """A backward is over: keep what tells whether its gradients are used, and what a step would record."""
        of = self._watch.prints.of
        given = result if isinstance(result, (list, tuple)) else [leaf.grad for _, leaf in leaves]
        gradients = [(name, item, of(item)) for (name, _), item in zip(leaves, given) if item is not None]
        gradients = [(name, item.dtype, shape_of(item), found) for name, item, found in gradients]
        self._last = [(name, weakref.ref(leaf)) for name, leaf in leaves]
        self._waiting = (self._last, [of(leaf) for _, leaf in leaves], gradients)

    def living(self):
        """[(name, tensor)] of leaves that are alive: those of the last backward, where training was by hand, and those
        that are trained beside an optimizer."""
        alive = [(name, reference()) for name, reference in self._last] if self._is_said else []
        return [(name, leaf) for name, leaf in alive if leaf is not None] + self.beside.living()

    @contextlib.contextmanager
    def state_kept(self):
        """What is decided within, at an end that may not be the last, is decided again later."""
        before = self._waiting, self._is_said, self._last
        yield
        self._waiting, self._is_said, self._last = before

    def forget(self):
        """An optimizer has been seen: the steps are its own."""
        self._waiting = None

    def notice_compiled_steps(self):
        """An optimizer has stepped in compiled code since the last call: from now on its steps are found by hand."""
        if self._watch.stepped_in_graph:
            self._watch.stepped_in_graph = self._watch.optimizer_seen = False
            self._watch.say(AT_STEPS, WHY_STEPS)

    def settle(self, leaves=None, is_last=False):
        """A sign of training: were the gradients of the last backward used to change its leaves?

        `leaves`: those of the next backward, where one begins. Leaves that have died were replaced by new ones, which
        only the next backward shows.
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

    def _begin_by_hand(self, leaves, prints):
        """Before the first such step: what the leaves were; those of models have had their start."""
        if self._is_said:
            return
        self._is_said, watch = True, self._watch
        watch.probe.event("observed-by", how="backward")
        for (name, leaf), found in zip(leaves, prints):
            if leaf is not None and found is not None and not watch.names.has(leaf):
                watch.probe.add_start(watch.point("start", name, leaf), found)

    def _step(self, leaves, gradients):
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


def _matched(before, now):
    """The tensors that have taken the place of `before` (a program may make new leaves in each step)."""
    if now is None or len(now) != len(before):
        return before
    return [new if old[1] is None or new[1].shape == old[1].shape else old for old, new in zip(before, now)]


def watch_backward(watch, backward):
    """Wrap what runs the engine."""
    autograd = watch.torch.autograd
    if _ENGINE in vars(autograd):
        setattr(autograd, _ENGINE, _wrapped(getattr(autograd, _ENGINE), 3, backward, watch.compiling))
    else:
        autograd.backward = _wrapped(autograd.backward, 4, backward, watch.compiling)
        autograd.grad = _wrapped(autograd.grad, 0, backward, watch.compiling)


def _wrapped(original, position, backward, compiling):
    """`position`: where, after the outputs, the function takes the tensors whose gradients are asked for."""
    pause, resume = compiling.pause, compiling.resume

    def apart(function, *arguments):
        hook = pause()
        try:
            return function(*arguments)
        finally:
            resume(hook)

    @functools.wraps(original)
    def run(outputs, *args, **kwargs):
        if compiling.is_compiling():
            return original(outputs, *args, **kwargs)
        is_within = backward.is_running()
        try:
            begun = apart(backward.before, outputs, _inputs_of(position, args, kwargs))
            result = original(outputs, *args, **kwargs)
        finally:
            if not is_within:
                backward.stop()
        if begun is not None:
            apart(backward.after, begun, result)
        return result

    return compiling.skipped(run)


# Leaves that the program trains by hand beside an optimizer, and what it trains through `torch.func.grad`.

_MOST = 64  # leaves that are alive at once
_MOST_SHAPES = 1000  # of graphs, each by its first nodes
_FIRST_NODES = 6
_WIDE = 256  # inputs of a node: to ask for them makes an object for each


class Leaf:
    """A leaf that no optimizer and no model holds; `alias` shares its memory, which lives no longer for that."""

    __slots__ = ("alias", "first", "is_kept", "name", "reference", "step")

    def __init__(self, leaf, alias, first, step):
        self.reference = weakref.ref(leaf)
        self.alias, self.first, self.step, self.name = alias, first, step, None
        self.is_kept = False  # it was in the graphs of different steps: an input is only in those of one


class FreeLeaves:
    """Finds them in the graphs of losses: where a graph begins like none before, and then ever more rarely."""

    def __init__(self, watch):
        self._watch = watch
        self.gone = lambda name, tensor: None  # called when a leaf has died that was trained over several steps
        self.forget()

    def forget(self):
        """A forked child begins anew."""
        self._leaves, self._named, self._graphs = {}, 0, {}
        self._wide = set()  # how graphs begin, up to a node of many inputs: their shapes end there from then on

    def look(self, roots, inputs):
        """A backward begins at these tensors; `inputs`: whose gradients are asked for, or None."""
        if inputs is None and self._is_due(roots):
            inputs = leaves_of([root.grad_fn for root in roots])
        for leaf in inputs or ():
            if isinstance(leaf, self._watch.torch.Tensor) and leaf.is_leaf:
                self._meet(leaf)

    def _is_due(self, roots):
        shape = self._shape_of(roots[0].grad_fn) if roots else ()
        if len(self._graphs) >= _MOST_SHAPES and shape not in self._graphs:
            return False
        count = self._graphs[shape] = self._graphs.get(shape, 0) + 1
        return not count & (count - 1)

    def _shape_of(self, node):
        """The types of a graph's first nodes."""
        shape = ()
        while node is not None and len(shape) < _FIRST_NODES:
            shape += (type(node),)
            if shape in self._wide:
                break
            following = node.next_functions
            if len(following) > _WIDE:
                self._wide.add(shape)
                break
            node = next((one for one, _ in following if one is not None), None)
        return shape

    def _meet(self, leaf):
        known = self._leaves.get(id(leaf))
        if known is not None and known.reference() is leaf:
            known.is_kept = known.is_kept or known.step < self._watch.probe.step
            return
        if len(self._leaves) >= _MOST or self._watch.names.has(leaf) is not None:
            return
        first = self._watch.prints.of(leaf)
        if first is not None:
            with self._watch.prints.quiet():
                alias = leaf.detach()
            entry = self._leaves[id(leaf)] = Leaf(leaf, alias, first, self._watch.probe.step)
            weakref.finalize(leaf, self._died, id(leaf), entry).atexit = False

    def _died(self, number, entry):
        if self._leaves.get(number) is entry:
            del self._leaves[number]
        self._watch.probe.guard("the end of a leaf", self._keep, entry)

    def _keep(self, entry):
        if entry.is_kept and self._watch.prints.of(entry.alias) != entry.first:
            self.gone(self._name(entry), entry.alias)

    def _name(self, entry):
        if entry.name is None:
            entry.name, self._named = "by_hand.%d" % self._named, self._named + 1
        return entry.name

    def living(self):
        """[(name, tensor)] of those that are alive, and that no optimizer came to train."""
        alive = [(entry, entry.reference()) for entry in list(self._leaves.values())]
        return [
            (self._name(entry), leaf)
            for entry, leaf in alive
            if leaf is not None and self._watch.names.has(leaf) is None
        ]

    def record_function(self, tensors, kind):
        """What `torch.func.grad` is given, and what it gives: weights and gradients of a model without modules."""
        for number, tensor in enumerate(tensors):
            if isinstance(tensor, self._watch.torch.Tensor):
                self._watch.tensor(kind, "func.grad.%d" % number, tensor)


def leaves_of(nodes):
    """The leaves of a graph in the order of a walk from its roots, each once."""
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
