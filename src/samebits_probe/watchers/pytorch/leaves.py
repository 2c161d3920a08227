"""Leaves that the program trains by hand beside an optimizer, or through `torch.func.grad`."""

import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ..objects import NamedValue, Tensor

if TYPE_CHECKING:
    from .watch import PyTorchWatch

Node = Any  # of the graph that autograd has built
GraphStart = Tuple[type, ...]  # the types of a graph's first nodes

_MOST = 64  # leaves that are alive at once
_MOST_SHAPES = 1000  # of graphs, each known by its first nodes
_FIRST_NODES = 6
_WIDE = 256  # inputs of a node: asking for them makes an object for each


class Leaf:
    """A leaf that no optimizer and no model holds. `alias` shares its memory, without keeping it alive longer."""

    __slots__ = ("alias", "first", "is_kept", "name", "reference", "step")

    def __init__(self, leaf: Tensor, alias: Tensor, first: bytes, step: int) -> None:
        self.reference = weakref.ref(leaf)
        self.alias, self.first, self.step = alias, first, step
        self.name: Optional[str] = None
        self.is_kept = False  # whether graphs of different steps had it (an input is in those of one step)


class FreeLeaves:
    """Finds such leaves in the graphs of losses.

    A graph whose beginning is new is searched at once; later ones are searched more and more rarely.
    """

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch = watch
        self.gone: Callable[[str, Tensor], Any] = lambda name, tensor: (
            None
        )  # called when a leaf has died that was trained over several steps
        self.forget()

    def forget(self) -> None:
        """Start again in a forked child."""
        self._leaves: Dict[int, Leaf] = {}
        self._named = 0
        self._graphs: Dict[GraphStart, int] = {}
        # the beginnings of graphs, up to a node of many inputs; from then on their shapes end there
        self._wide: Set[GraphStart] = set()

    def look(self, roots: List[Tensor], inputs: Optional[Iterable[Tensor]]) -> None:
        """Search the graph of a backward that begins at these tensors.

        `inputs`: the tensors whose gradients are wanted, or None.
        """
        if inputs is None and self._is_due(roots):
            inputs = leaves_of([root.grad_fn for root in roots])
        for leaf in inputs or ():
            if isinstance(leaf, self._watch.torch.Tensor) and leaf.is_leaf:
                self._meet(leaf)

    def _is_due(self, roots: List[Tensor]) -> bool:
        shape = self._shape_of(roots[0].grad_fn) if roots else ()
        if len(self._graphs) >= _MOST_SHAPES and shape not in self._graphs:
            return False
        count = self._graphs[shape] = self._graphs.get(shape, 0) + 1
        return not count & (count - 1)

    def _shape_of(self, node: Node) -> GraphStart:
        """Return the types of a graph's first nodes."""
        shape: GraphStart = ()
        while node is not None and len(shape) < _FIRST_NODES:
            shape += (type(node),)
            if self._wide and shape in self._wide:
                break
            following = node.next_functions
            if len(following) > _WIDE:
                self._wide.add(shape)
                break
            node = _first(following)
        return shape

    def _meet(self, leaf: Tensor) -> None:
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

    def _died(self, number: int, entry: Leaf) -> None:
        if self._leaves.get(number) is entry:
            del self._leaves[number]
        self._watch.probe.guard("the end of a leaf", self._keep, entry)

    def _keep(self, entry: Leaf) -> None:
        if entry.is_kept and self._watch.prints.of(entry.alias) != entry.first:
            self.gone(self._name(entry), entry.alias)

    def _name(self, entry: Leaf) -> str:
        if entry.name is None:
            entry.name, self._named = "by_hand.%d" % self._named, self._named + 1
        return entry.name

    def living(self) -> List[NamedValue]:
        """Return [(name, tensor)] of the living ones that no optimizer trains by now."""
        alive = [(entry, entry.reference()) for entry in list(self._leaves.values())]
        return [
            (self._name(entry), leaf)
            for entry, leaf in alive
            if leaf is not None and self._watch.names.has(leaf) is None
        ]

    def record_function(self, tensors: Iterable[Any], kind: str) -> None:
        """Record inputs and outputs of `torch.func.grad`: weights and gradients of a model without modules."""
        for number, tensor in enumerate(tensors):
            if isinstance(tensor, self._watch.torch.Tensor):
                self._watch.tensor(kind, "func.grad.%d" % number, tensor)


def _first(following: Sequence[Tuple[Node, int]]) -> Node:
    for node, _ in following:
        if node is not None:
            return node
    return None


def leaves_of(nodes: Sequence[Node]) -> List[Tensor]:
    """Return the leaves of a graph, each once, in the order of a walk from its roots."""
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
