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
    sys.addaudithook(_hook(notes))  # novm: the lines above check for it
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


def _hook(notes: "Dict[str, Note]") -> "Callable[[str, Tuple[Any, ...]], None]":
    """Return the audit hook. No exception may leave it, because it would reach the program.

    It is a plain function, because Python calls it for every event, also for each call of `id`.
    """
    quiet = {event: quietly(note) for event, note in notes.items()}
    busy: "Set[int]" = set()  # threads that run a note: events of the note itself are not the program's

    def hook(event: str, arguments: "Tuple[Any, ...]", _here: "Callable[[], int]" = threading.get_ident) -> None:
        if event not in quiet:
            return
        thread = _here()
        if thread in busy:
            return
        busy.add(thread)
        try:
            quiet[event](*arguments)
        finally:
            busy.discard(thread)

    return hook
