"""The inputs and outputs of a call of JAX, leaf by leaf: their names, and which parts have the same structure."""

import inspect
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from ..objects import Arguments, Function, Library, Pytree, Structure

Kind = Tuple[Tuple[int, ...], str]  # shape, dtype
Node = Tuple[int, int, Structure]  # first leaf, number of leaves, structure
Roots = Dict[Tuple[str, ...], str]  # the first two keys of a path -> name

_DEEPEST = 4
_IS_ARRAY: Dict[type, bool] = {}  # types that were checked before -> True
_DTYPES: Dict[Any, str] = {}  # dtype -> its name, because NumPy builds the name anew each time
_LARGEST = 2**63  # a larger number of Python has no fixed number of bits
_FLAT = ("dynamic_donate.", "dynamic_nodonate.")  # equinox._jit: arguments of the function that filter_jit compiles


class Tree:
    """A pytree opened. `names`, `leaves`: of its arrays and numbers, in their order; `nodes`: parts of it.

    `roots`: gives {path of two keys: name}, once names are asked for.
    """

    def __init__(self, jax: Library, value: Pytree, roots: Optional[Callable[[], Roots]] = None) -> None:
        util = jax.tree_util
        flat, self.structure = util.tree_flatten(value)
        known = _IS_ARRAY
        self.places = [place for place, leaf in enumerate(flat) if known.get(type(leaf)) or _is_value(jax, leaf)]
        self.leaves: Sequence[Any] = [flat[place] for place in self.places]
        self.count = len(flat)
        self._util, self._value = util, value
        self._roots: Optional[Callable[[], Roots]] = roots
        self._kinds: Optional[List[Kind]] = None

    def let_go(self, of_step: bool) -> None:
        """Drop the program's values. For the call of a step, drop the shapes, too: nothing needs them again."""
        if not of_step:
            self.kinds()
        self.leaves, self._value, self._roots = (), None, None

    def kinds(self) -> List[Kind]:
        """Return [(shape, dtype)] of its leaves."""
        if self._kinds is None:
            self._kinds = [(tuple(getattr(leaf, "shape", ())), _dtype_name(leaf)) for leaf in self.leaves]
        return self._kinds

    def names(self) -> List[str]:
        """Return a name for each leaf: the keys that lead to it, joined by dots."""
        try:
            paths = [path for path, _ in self._util.tree_flatten_with_path(self._value)[0]]
        except Exception:  # the keys come from the program's own code, which failed
            paths = [(str(place),) for place in range(self.count)]
        roots = None if self._roots is None else self._roots()
        return [_name(paths[place], roots) for place in self.places]

    def optimizer_leaves(self) -> Set[int]:
        """Return the indices of leaves in a container of optax."""
        found = self._util.tree_flatten_with_path(
            self._value, is_leaf=lambda node: type(node).__module__.partition(".")[0] == "optax"
        )[0]
        places: Set[int] = set()
        at = 0
        for _, node in found:
            count = self._util.tree_structure(node).num_leaves
            if type(node).__module__.partition(".")[0] == "optax":
                places.update(range(at, at + count))
            at += count
        return {index for index, place in enumerate(self.places) if place in places}

    def nodes(self) -> List[Node]:
        """Return [(first leaf, number of leaves, structure)] of its parts, the larger ones first.

        They are opened down to some depth.
        """
        index = {place: number for number, place in enumerate(self.places)}
        found: List[Node] = []

        def walk(structure: Structure, at: int, depth: int) -> None:
            inside = [index[place] for place in range(at, at + structure.num_leaves) if place in index]
            if inside and len(inside) == structure.num_leaves:
                found.append((inside[0], len(inside), structure))
            if depth < _DEEPEST:
                for child in structure.children():
                    walk(child, at, depth + 1)
                    at += child.num_leaves

        walk(self.structure, 0, 0)
        return sorted(found, key=lambda node: -node[1])


class LeafNames:
    """The names of the leaves of a call, and which of them lie in a container of optax."""

    def __init__(self, given: Tree, returned: Tree) -> None:
        self.given, self.returned = given.names(), returned.names()
        self._optimizer = given.optimizer_leaves(), returned.optimizer_leaves()

    def of_state(self, index: int, out: int) -> str:
        """Return the name of a leaf that comes back.

        Equinox passes on a flat list, so the names come from the output.
        """
        is_flat = self.given[index].startswith(_FLAT)
        return "output." + self.returned[out].partition(".")[2] if is_flat else self.given[index]

    def is_in_optimizer(self, index: Optional[int], out: Optional[int]) -> bool:
        """Return whether a leaf that comes back belongs to the state of an optimizer of optax."""
        return index in self._optimizer[0] or out in self._optimizer[1]


class TreePair:
    """A part of the inputs and a part of the outputs with the same structure, shapes and dtypes."""

    def __init__(self, given: int, returned: int, count: int) -> None:
        self.given, self.returned, self.count = given, returned, count

    def places(self) -> List[Tuple[int, int]]:
        """Return (index of the input leaf, index of the output leaf) for each leaf."""
        return [(self.given + n, self.returned + n) for n in range(self.count)]


def pairs(given: Tree, returned: Tree) -> List[TreePair]:
    """Return the pairs of parts of two trees, the larger ones first. Each leaf belongs to at most one pair."""
    kinds_in, kinds_out = given.kinds(), returned.kinds()
    used_in: Set[int] = set()
    used_out: Set[int] = set()
    found: List[TreePair] = []
    parts = given.nodes()
    for first, count, structure in returned.nodes():
        if not used_out.isdisjoint(range(first, first + count)):
            continue
        free = [
            at
            for at, size, other in parts
            if size == count
            and used_in.isdisjoint(range(at, at + size))
            and kinds_in[at : at + size] == kinds_out[first : first + count]
            and are_same(other, structure)
        ]
        if free:
            found.append(TreePair(free[0], first, count))
            used_in.update(range(free[0], free[0] + count))
            used_out.update(range(first, first + count))
    return found


def roots(function: Function, args: Arguments, kwargs: Dict[str, Any]) -> Roots:
    """Return {path: name} of the arguments: the names of the parameters if the function has a signature."""
    try:
        names = [
            one.name for one in inspect.signature(function).parameters.values() if one.kind <= one.POSITIONAL_OR_KEYWORD
        ]
    except Exception:  # built in, or a callable without a signature, or the program's own code fails
        names = []
    named: Roots = {("0", str(n)): names[n] if n < len(names) else "argument.%d" % n for n in range(len(args))}
    named.update({("1", str(key)): str(key) for key in kwargs})
    return named


def are_same(structure: Structure, other: Structure) -> bool:
    """Return whether two structures are equal. The program's own objects in them compare themselves, which may fail."""
    try:
        return bool(structure == other)
    except Exception:
        return False


def _name(path: Sequence[Any], roots: Optional[Roots]) -> str:
    words = [_word(key) for key in path]
    if roots is None:
        return ".".join(words)
    root = roots.get(tuple(words[:2]), words[1] if len(words) > 1 else "")
    return ".".join([root] + words[2:])


def _word(key: Any) -> str:
    try:
        for attribute in ("key", "idx", "name"):
            if hasattr(key, attribute):
                return str(getattr(key, attribute))
        return str(key).strip(".[]'\"")
    except Exception:  # the key is an object of the program that has no text
        return type(getattr(key, "key", key)).__name__


def _is_value(jax: Library, leaf: Any) -> bool:
    """Return whether it is an array or a number.

    Arguments that are not traced may be any object, so this calls none of their methods.
    """
    if isinstance(leaf, int):
        return -_LARGEST <= leaf < _LARGEST
    numpy = sys.modules["numpy"]
    found = isinstance(leaf, (jax.Array, numpy.ndarray, numpy.number, numpy.bool_, float, complex))
    if found and type(leaf).__module__.partition(".")[0] in ("jaxlib", "numpy"):
        _IS_ARRAY[type(leaf)] = True
    return found


def _dtype_name(leaf: Any) -> str:
    dtype = getattr(leaf, "dtype", None)
    if dtype is None:
        return type(leaf).__name__
    if dtype not in _DTYPES:
        _DTYPES[dtype] = str(dtype)
    return _DTYPES[dtype]
