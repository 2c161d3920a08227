"""Leaves that the program trains by hand beside an optimizer, and what it trains through `torch.func.grad`."""

import weakref

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
