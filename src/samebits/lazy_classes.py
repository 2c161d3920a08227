"""Makes data classes when they are first used.

Python writes and compiles the methods of a data class. This takes half a millisecond for each class. A check imports
about 70 data classes, and uses fewer than half of them.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_LOCK = threading.RLock()  # samebits imports modules in a thread, too


class _Later:
    """Takes the place of a class's fields until the class is complete."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def __set_name__(self, kind: type, name: str) -> None:
        self._kind = kind

    def __get__(self, _: object, owner: type) -> Any:
        """Return the fields. Whoever asks for them needs a complete class."""
        self.complete()
        return getattr(owner, _FIELDS)

    def complete(self) -> None:
        """Make the class a data class, once.

        A different thread may use the class meanwhile. So the class keeps the `__init__` that waits for the lock until
        all else is there. The real one is that of a derived class, which has the same fields.
        """
        kind: Any = self._kind
        with _LOCK:
            if vars(kind).get(_FIELDS) is self:
                dataclasses.dataclass(**{**self._options, "init": False})(kind)
                kind.__dataclass_params__.init = True
                kind.__init__ = _derived(kind, self._options).__init__


_FIELDS = "__dataclass_fields__"


def _derived(kind: Any, options: dict[str, Any]) -> Any:
    derived = type(kind)(kind.__name__, (kind,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
    return dataclasses.dataclass(frozen=options.get("frozen", False), repr=False, eq=False)(derived)


def _set_state(self: Any, state: dict[str, Any]) -> None:
    """Give a copy its values. `pickle` makes it without `__init__`, perhaps as the first object of its class."""
    dataclasses.fields(self)
    vars(self).update(state)


def _later(kind: Any, options: dict[str, Any]) -> Any:
    if "__init__" in vars(kind):  # its own __init__ would not make the class complete
        return dataclasses.dataclass(**options)(kind)
    later = _Later(options)
    later.__set_name__(kind, _FIELDS)

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807
        later.complete()
        kind.__init__(self, *values, **named)

    kind.__init__ = __init__
    kind.__setstate__ = _set_state
    setattr(kind, _FIELDS, later)
    return kind


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(kind: type | None = None, **options: Any) -> Any:
        """Do what `dataclasses.dataclass` does, when the class is first used. `slots` is not supported."""
        return _later(kind, options) if kind is not None else lambda kind: _later(kind, options)
