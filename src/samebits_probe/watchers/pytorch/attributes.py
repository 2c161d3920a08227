"""Finds tensors, arrays and numbers in attributes of modules and of their classes, and in `get_extra_state`.

It looks into dictionaries, lists and tuples, but not into other objects of the program. The numbers of a list are one
point, and a short list is also kept number by number. The comparison decides which of them belong to one run only.
"""

import contextlib
import io
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Tuple

from ..leaf_readers import LeafReaders
from ..objects import Module
from ..plain_attributes import LibraryNames, is_of_library
from ..walk import CUT, NUMBERS, TEXTS, AttributeWalk, ValuePlace
from .trees import WRAPPERS

if TYPE_CHECKING:
    from ..walk import FoundLeaf
    from .trees import ModulePart
    from .watch import PyTorchWatch

_EXTRA = "get_extra_state"
_COMPILED = ("torch.fx.", "torch._dynamo.", "torch._inductor.", "torch._functorch.")


class ModuleAttributes:
    """Gives the values that modules hold in addition to their parameters and buffers."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch, self._readers = watch, LeafReaders(watch.probe)
        self._own_keys = frozenset(vars(watch.torch.nn.Module()))  # attributes that every module has
        self._names = LibraryNames(but=watch.torch.nn.Module)

    def of_parts(self, label: str, parts: "List[ModulePart]") -> "Iterator[FoundLeaf]":
        """Yield (name, ArrayPrint) of what modules hold in plain attributes: [(prefix, class, dictionary)]."""
        for prefix, kind, own in [part for part in parts if not _is_machinery(part[1])]:
            plain = [*self._plain(own), *self._of_class(kind, own)]
            kept = [pair for pair in plain if not self._names.has(kind, *pair)]
            yield from self._values(label + prefix, kept, NUMBERS)

    def _plain(self, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes, without those that every module has."""
        return [(key, value) for key, value in list(own.items()) if type(key) is str and key not in self._own_keys]

    def _of_class(self, kind: type, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes that a module has from classes of the program."""
        found: Dict[str, Any] = {}
        for base in reversed(kind.__mro__[:-1]):
            if not is_of_library(base):
                found.update(base.__dict__)
        return [pair for pair in self._plain(found) if not (pair[0] in own or pair[0].startswith("__"))]

    def extra(self, label: str, prefix: str, module: Module) -> "Iterator[FoundLeaf]":
        """Yield (name, ArrayPrint) of what the module's own `get_extra_state` returns, which `state_dict` saves."""
        if _has_extra(type(module), self._watch.torch.nn.Module):
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    state = module.get_extra_state()
            except Exception as error:  # the program's own code, which may need something that is gone at the exit
                self._watch.probe.not_observed("extra state", "%s: %s" % (type(error).__name__, error))
                return
            kinds = NUMBERS + TEXTS + (type(None),)
            yield from self._values(label + prefix, [("_extra_state", state)], kinds)

    def _values(self, prefix: str, pairs: List[Tuple[str, Any]], kinds: Tuple[type, ...]) -> "List[FoundLeaf]":
        """Open containers. Numbers of one name (and texts, if `kinds` has them) are joined."""
        walk = AttributeWalk(self._readers, kinds)
        for key, value in pairs:
            walk.value(ValuePlace(prefix + key, prefix + key), value)
        if walk.is_cut:
            self._watch.probe.not_observed(
                "attributes", CUT + " of a module are compared, and no array that lies in a file"
            )
        return walk.leaves()


def _is_machinery(kind: type) -> bool:
    """Return whether a class wraps or compiles models.

    Its attributes count what it did, and do not belong to the model.
    """
    return kind.__name__ in WRAPPERS or str(kind.__dict__.get("__module__")).startswith(_COMPILED)


def _has_extra(kind: type, base: type) -> bool:
    """Return whether a class has its own `get_extra_state`."""
    owner = next((one for one in kind.__mro__ if _EXTRA in one.__dict__), None)
    return owner is not None and owner is not base
