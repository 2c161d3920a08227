"""Finds tensors, arrays and numbers in attributes of modules and of their classes, and in `get_extra_state`.

It looks into dictionaries, lists and tuples, but not into other objects of the program. The numbers of a list are one
point, and a short list is also kept number by number. The comparison decides which of them belong to one run only.
"""

import contextlib
import io
import sys
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from ..leaf_readers import LeafReaders, exact
from ..objects import Module
from ..walk import CUT, NUMBERS, TEXTS, AttributeWalk, ValuePlace
from .trees import WRAPPERS

if TYPE_CHECKING:
    from ..walk import FoundLeaf
    from .trees import ModulePart
    from .watch import PyTorchWatch

Settings = Dict[str, Any]  # name -> number

_EXTRA = "get_extra_state"
_SETTINGS = "(settings of layers)"
_INSTALLED = ("site-packages", "dist-packages")
_COMPILED = ("torch.fx.", "torch._dynamo.", "torch._inductor.", "torch._functorch.")


class ModuleAttributes:
    """Gives the values that modules hold in addition to their parameters and buffers."""

    def __init__(self, watch: "PyTorchWatch") -> None:
        self._watch, self._readers = watch, LeafReaders(watch.probe)
        self._own_keys = frozenset(vars(watch.torch.nn.Module()))  # attributes that every module has
        self._installed: "weakref.WeakKeyDictionary[type, bool]" = (
            weakref.WeakKeyDictionary()
        )  # class -> whether an installed library made it

    def of_parts(
        self, label: str, parts: "List[ModulePart]", first: Optional[Settings] = None
    ) -> "Iterator[FoundLeaf]":
        """Yield (name, ArrayPrint) of everything in the plain attributes of modules: [(prefix, class, dictionary)].

        The settings of layers of installed libraries, of which there are many, are one point. Settings that
        have not changed since the first call of the model (`first`) are left out. Each float that has changed is a
        point of its own.
        """
        parts = [part for part in parts if not _is_machinery(part[1])]
        for prefix, kind, own in parts:
            is_installed = self._is_installed(kind)
            plain = [*self._plain(own), *self._of_class(kind, own)]
            plain = [pair for pair in plain if not (is_installed and _is_setting(pair[1]))]
            yield from self._values(label + prefix, plain, NUMBERS)
        settings = self.settings(parts)
        if first is not None:
            settings = {name: value for name, value in settings.items() if not _are_same(value, first.get(name))}
            for name in [name for name, value in settings.items() if type(value) is float]:
                yield label + name, self._readers.of_numbers([settings.pop(name)], False)
        if settings:
            texts = sorted("%s=%s" % (name, exact(value)) for name, value in settings.items())
            yield label + _SETTINGS, self._readers.of_numbers(texts, True)

    def settings(self, parts: "List[ModulePart]") -> Settings:
        """Return the numeric settings of layers of installed libraries."""
        kept = [part for part in parts if self._is_installed(part[1]) and not _is_machinery(part[1])]
        pairs = [(prefix, self._plain(own)) for prefix, _, own in kept]
        return {prefix + key: value for prefix, plain in pairs for key, value in plain if _is_setting(value)}

    def _plain(self, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes, without those that every module has."""
        return [(key, value) for key, value in list(own.items()) if key not in self._own_keys]

    def _of_class(self, kind: type, own: Dict[str, Any]) -> List[Tuple[str, Any]]:
        """Return [(key, value)] of the attributes that a module has from classes of the program."""
        found: Dict[str, Any] = {}
        for base in reversed(kind.__mro__[:-1]):
            if not self._is_installed(base):
                found.update(base.__dict__)
        return [pair for pair in self._plain(found) if not (pair[0] in own or pair[0].startswith("__"))]

    def _is_installed(self, kind: type) -> bool:
        """Return whether a class comes from an installed library, and not from the program."""
        known = self._installed.get(kind)
        if known is None:
            file = getattr(sys.modules.get(str(kind.__dict__.get("__module__"))), "__file__", None) or ""
            known = self._installed[kind] = any(folder in file for folder in _INSTALLED)
        return known

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

    def _values(self, prefix: str, pairs: List[Tuple[Any, Any]], kinds: Tuple[type, ...]) -> "List[FoundLeaf]":
        """Open containers. Numbers of one name (and texts, if `kinds` has them) are joined."""
        walk = AttributeWalk(self._readers, kinds)
        for key, value in pairs:
            if isinstance(key, str):
                walk.value(ValuePlace(prefix + key, prefix + key), value)
        if walk.is_cut:
            self._watch.probe.not_observed(
                "attributes", CUT + " of a module are compared, and no array that lies in a file"
            )
        return walk.leaves()


def _are_same(one: Any, two: Any) -> bool:
    return type(one) is type(two) and exact(one) == exact(two)


def _is_setting(value: Any) -> bool:
    """Return whether a value is a single number."""
    return type(value) in NUMBERS


def _is_machinery(kind: type) -> bool:
    """Return whether a class wraps or compiles models.

    Its attributes count what it did, and do not belong to the model.
    """
    return kind.__name__ in WRAPPERS or str(kind.__dict__.get("__module__")).startswith(_COMPILED)


def _has_extra(kind: type, base: type) -> bool:
    """Return whether a class has its own `get_extra_state`."""
    owner = next((one for one in kind.__mro__ if _EXTRA in one.__dict__), None)
    return owner is not None and owner is not base
