"""One audit hook for all that the probe learns from Python's audit events (3.8 and later).

https://docs.python.org/3/library/audit_events.html lists the events and what they are called with.
"""

import sys
import threading

from . import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Set, Tuple

    Note = Callable[..., Any]  # called with the arguments of its event


def add(notes: "Dict[str, Note]") -> bool:
    """Call `notes[event](*arguments)` for each event in it; False if this Python has no audit events."""
    if not hasattr(sys, "addaudithook"):
        return False
    sys.addaudithook(_Hook(notes))  # novm: asked for in the line above
    return True


def quietly(note: "Note") -> "Callable[..., None]":
    """A function that calls `note` as the probe's work, and lets no failure of it reach the program."""

    def call(*arguments: "Any") -> None:
        signals.hold()
        try:
            note(*arguments)
        except Exception:  # a name that cannot be decoded, say: the program's own call tells what is wrong
            return
        finally:
            signals.release()

    return call


class _Hook:
    """An exception of an audit hook would reach the program: none leaves it."""

    def __init__(self, notes: "Dict[str, Note]") -> None:
        self._notes = {event: quietly(note) for event, note in notes.items()}
        self._busy: Set[int] = set()  # threads in a note: what the note itself opens is not the program's

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
