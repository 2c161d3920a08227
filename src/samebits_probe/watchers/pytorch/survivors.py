"""Modules that are alive at the end, even if they were never called: copies of a model, a module of which only
`training_step` is called, a module that replaced a different one. They are found among the objects that Python's
garbage collector knows. Their names come from the variables of the program that hold them ("ema.0.weight"), else from
their class and content, but never from the order of the objects.
"""

import sys
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from ..objects import Module, Tensor
from .trees import living_modules, outermost, tell_scratch, tensors_of, tree

if TYPE_CHECKING:
    from ..walk import FoundLeaf
    from .attributes import ModuleAttributes
    from .trees import ModuleTree
    from .watch import PyTorchWatch

TreePart = Tuple[str, Module, Dict[str, Any]]  # prefix, module, its dictionary
Paths = Dict[int, List[str]]  # id of a module -> the variables that hold it

_DEEP = 3  # depth of containers and objects in which the module of a variable is searched
_MOST_LOOKED_AT = 20000
_MOST_PATHS = 8
_MADE_BY_LIBRARIES = ("keras", "tf_keras")  # other watchers record these
_IPYTHON = ("In", "Out", "exit", "quit")


class Survivors:
    """Gives everything that living modules hold."""

    def __init__(self, watch: "PyTorchWatch", attributes: "ModuleAttributes") -> None:
        self._watch, self._attributes = watch, attributes

    def values(self, kept: Dict[int, Tensor]) -> "Iterator[FoundLeaf]":
        """Yield (name, value) of everything in living modules that is not in `kept`, in the order of names.

        `kept`: {id: tensor}.
        """
        living = living_modules(self._watch.torch.nn.Module)
        modules = [module for module in living if not _is_made_by(module, _MADE_BY_LIBRARIES)]
        others = {id(module) for module in living} - {id(module) for module in modules}
        # parts of a Keras layer (such as its ParameterDict) have no lasting names of their own
        visited = {id(part) for module in living if id(module) in others for _, part, _ in tree(module)}
        for model, parts in self._seen(visited):
            yield from self._beside(model.label, parts)
        tops = [_Top(module, visited) for module in outermost(modules) if id(module) not in visited]
        paths = self._tell_paths(tops)
        for top in self._in_order([top for top in tops if top.parts], paths, kept):
            for name, value in top.tensors:
                yield top.label + name, value
            yield from self._beside(top.label, top.parts)

    def _seen(self, visited: Set[int]) -> "Iterator[Tuple[ModuleTree, List[TreePart]]]":
        """Yield (Model, [(prefix, module, dictionary)]) of the models that were seen, each module once."""
        for model in list(self._watch.names.models.values()):
            module = model.reference()
            if module is not None:
                parts = [part for part in tree(module) if id(part[1]) not in visited]
                visited.update(id(part) for _, part, _ in parts)
                yield model, parts

    def _beside(self, label: str, parts: List[TreePart]) -> "Iterator[FoundLeaf]":
        plain = [(prefix, type(module), own) for prefix, module, own in parts]
        yield from self._attributes.of_parts(label, plain)
        for prefix, module, _ in parts:
            yield from self._attributes.extra(label, prefix, module)

    def _tell_paths(self, tops: "List[_Top]") -> Paths:
        """Return {id(module): the variables that hold it}.

        Those of models that were seen are also reported, so that models can be paired by them.
        """
        models = [(model, model.reference()) for model in list(self._watch.names.models.values())]
        wanted = {id(module) for _, module in models} | {id(top.module) for top in tops}
        paths = _paths(wanted, self._watch.torch.nn.Module)
        for model, module in models:
            if paths.get(id(module)):
                self._watch.probe.event("model", label=model.label, paths=paths[id(module)][:_MOST_PATHS])
        return paths

    def _in_order(self, tops: "List[_Top]", paths: Paths, kept: Dict[int, Tensor]) -> "Iterator[_Top]":
        """Yield the modules with labels: first by the variables that hold them, then by class and content."""
        for top in tops:
            top.read(kept, self._watch)
            top.path = next(iter(paths.get(id(top.module), ())), None)
        names, labels = self._watch.names, self._watch.names.labels()
        for top in sorted(tops, key=lambda top: top.key()):
            top.label = top.path + "." if top.path else names.label_for(top.module, labels)
            self._watch.probe.event("model", label=top.label, paths=paths.get(id(top.module), [])[:_MOST_PATHS])
            tell_scratch(self._watch.probe, top.label, [(prefix, own) for prefix, _, own in top.parts])
            yield top


class _Top:
    """An outermost module that was never called, with its parts that belong to no seen model."""

    def __init__(self, module: Module, visited: Set[int]) -> None:
        self.module = module
        self.path: Optional[str] = None
        self.label = ""
        self.tensors: "List[FoundLeaf]" = []
        self.digest = b""
        self.parts = [found for found in tree(module) if id(found[1]) not in visited]

    def read(self, kept: Dict[int, Tensor], watch: "PyTorchWatch") -> None:
        """Read the values of the tensors that nothing else has kept."""
        every = ((prefix + name, tensor) for prefix, _, own in self.parts for name, tensor in tensors_of(own))
        for name, tensor in every:
            if id(tensor) not in kept:
                kept[id(tensor)] = tensor
                value = watch.print_of(tensor)
                if value is not None:
                    self.tensors.append((name, value))
        text = b"".join(name.encode("utf-8", "replace") + b"\0" + value.fingerprint for name, value in self.tensors)
        self.digest = watch.probe.hasher.data(text, watch.probe.hasher.header("digest", (len(self.tensors),)))

    def key(self) -> Tuple[bool, str, str, bytes]:
        """Return the key by which modules are sorted. It does not depend on when they were made, or where they lie."""
        return self.path is None, self.path or "", type(self.module).__name__, self.digest


def _is_made_by(module: Module, packages: Iterable[str]) -> bool:
    """Return whether the class of a module, or one of its base classes, comes from one of these packages."""
    places = [str(kind.__dict__.get("__module__")) + "." for kind in type(module).__mro__]
    return any(place.startswith(package.rstrip(".") + ".") for place in places for package in packages)


def _paths(wanted: Set[int], base: type) -> Paths:
    """Return {id(module): [path]} of modules that the program's variables reach, the simplest path first."""
    program = sys.modules.get("__main__")
    found: Paths = {}
    looked: Set[int] = set()
    waiting = [
        (name, value)
        for name, value in (_sorted(vars(program)) if program is not None else ())
        if not name.startswith("_") and name not in _IPYTHON
    ]
    for _ in range(_DEEP):
        below = []
        for path, value in waiting:
            if id(value) in wanted:
                found.setdefault(id(value), []).append(path)
            elif len(looked) < _MOST_LOOKED_AT and id(value) not in looked:
                looked.add(id(value))
                below.extend(_inside(path, value, base))
        waiting = below
    return found


def _inside(path: str, value: Any, base: type) -> List[Tuple[str, Any]]:
    """Return [(path, value)] of the content of a container, a module or an object of the program's own classes."""
    kind = type(value)
    if issubclass(kind, dict):
        keyed = [("%s[%r]" % (path, key), item) for key, item in list(dict.items(value)) if type(key) in (str, int)]
        return sorted(keyed, key=lambda pair: pair[0])
    if issubclass(kind, (list, tuple)):
        return [("%s[%d]" % (path, number), item) for number, item in enumerate(list(value)[:_MOST_LOOKED_AT])]
    if issubclass(kind, base) or kind.__dict__.get("__module__") == "__main__":
        try:
            own = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return []
        return [("%s.%s" % (path, key), item) for key, item in _sorted(own) if not key.startswith("_")]
    return []


def _sorted(attributes: Dict[str, Any]) -> List[Tuple[str, Any]]:
    """Return (name, value) by name."""
    return sorted(
        ((key, value) for key, value in list(attributes.items()) if type(key) is str), key=lambda pair: pair[0]
    )
