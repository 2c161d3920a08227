"""Adds audit hooks, from which the probe learns about events of the interpreter (Python 3.8 and later).

https://docs.python.org/3/library/audit_events.html lists the events and their arguments.
"""

import sys
import threading

from . import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Set, Tuple

    Note = Callable[..., Any]  # called with the arguments of its event


def add(notes: "Dict[str, Note]") -> bool:
    """Call `notes[event](*arguments)` for each of these events. Returns False if this Python has no audit events."""
    if not hasattr(sys, "addaudithook"):
        return False
    sys.addaudithook(_Hook(notes))  # novm: the lines above check for it
    return True


def quietly(note: "Note") -> "Callable[..., None]":
    """Return a function that calls `note` as work of the probe, and keeps its errors out of the program."""

    def call(*arguments: "Any") -> None:
        signals.hold()
        try:
            note(*arguments)
        except Exception:  # a name that cannot be decoded, for example: the program's own call reports it
            return
        finally:
            signals.release()

    return call


class _Hook:
    """The audit hook. No exception may leave it, because it would reach the program."""

    def __init__(self, notes: "Dict[str, Note]") -> None:
        self._notes = {event: quietly(note) for event, note in notes.items()}
        self._busy: Set[int] = set()  # threads that run a note: events of the note itself are not the program's

    def __call__(
        self, event: str, arguments: "Tuple[Any, ...]", _here: "Callable[[], int]" = threading.get_ident
    ) -> None:
        note = self._notes.get(event)
        if note is None:
            return
        thread = _here()
        if thread in self._busy:
            return
        self._busy.add(thread)
        try:
            note(*arguments)
        finally:
            self._busy.discard(thread)
