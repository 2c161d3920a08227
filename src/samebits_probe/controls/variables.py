"""Holds environment variables: the program can set them, but this has no effect."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional

__all__ = ["at_start_of_process", "hold", "join"]

# the separator between the words of a variable to which several controls, and the user, add words
SEPARATORS = {"XLA_FLAGS": " ", "GLIBC_TUNABLES": ":"}
_fixed: "Dict[str, str]" = {}  # name -> the value that is held
_joined: "Dict[str, List[str]]" = {}  # name -> words that its value always contains
_started = dict(os.environ)  # the environment with which the process started


def at_start_of_process(name: str) -> "Optional[str]":
    """Return the value with which the process started, or None. Libraries may have read it before Python began."""
    return _started.get(name)


def join(name: str, value: "Optional[str]", words: "Iterable[str]") -> str:
    """Return `value` of the variable with all `words` added. A word "a=1" replaces "a=2"."""
    separator = SEPARATORS[name]
    kept = [word for word in (value or "").split(separator) if word]
    for word in words:
        key = word.split("=")[0]
        kept = [other for other in kept if other.split("=")[0] != key] + [word]
    return separator.join(kept)


def hold(fixed: "Mapping[str, str]", joined: "Mapping[str, Iterable[str]]") -> None:
    """Hold these variables from now on, in this process and in processes that inherit its environment."""
    _fixed.update(fixed)
    for name, words in joined.items():
        _joined.setdefault(name, []).extend(words)
    if (_fixed or _joined) and not hasattr(os._Environ.__setitem__, "_samebits"):
        _guard_environ(os._Environ)
    for name, value in fixed.items():
        os.environ[name] = value
    for name in joined:
        os.environ[name] = os.environ.get(name, "")


def _held(name: str, value: str) -> str:
    if name in _fixed:
        return _fixed[name]
    return join(name, value, _joined[name]) if name in _joined else value


def _guard_environ(cls: "Any") -> None:
    set_, delete = cls.__setitem__, cls.__delitem__

    def __setitem__(self: "Any", name: str, value: str) -> None:
        set_(self, name, _held(name, value) if isinstance(value, str) else value)

    def __delitem__(self: "Any", name: str) -> None:
        if name not in self or (name not in _fixed and name not in _joined):
            delete(self, name)
        elif name in _joined:
            self[name] = ""

    def clear(self: "Any") -> None:
        for name in list(self):
            del self[name]

    cls.__setitem__, cls.__delitem__, cls.clear = __setitem__, __delitem__, clear
    cls.__setitem__._samebits = True
